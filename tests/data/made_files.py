"""Made-up articles written in the forms in which people have AG News; several test files use them."""

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path

import datasets
import pandas as pd

from agnews_utils.settings import CLASS_NAMES

# what readers of tables are known to take for something else: missing values, numbers, quotes, separators, line ends
TITLES = ("NA", "null", "2004", "1.50", 'He said "no"', "a, b; c", "wörld 🌍", "ends with \\", "")


def made_articles(count=48, name="train"):
    """Articles as (label from 0, title, description)."""
    return [
        (i % 4, TITLES[i % len(TITLES)], f'{name} number {i}, with a comma; a tab\there and a "quoted" word')
        for i in range(count)
    ]


def text_of(article):
    return f"{article[1]} {article[2]}".strip()


SETS = {"train": made_articles(), "test": made_articles(12, "test")}


def official(folder, first=1, **options):
    """Three columns without a header, everything quoted."""
    for name, articles in SETS.items():
        write(folder / f"{name}.csv", [(label + first, *texts) for label, *texts in articles], **options)


def write(path, rows, header=(), encoding="utf-8", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"} | options
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, **options).writerows([*([header] if header else []), *rows])


def columns(header, *picked, **options):
    """A writer of files; each of ``picked`` makes a column's cell of (number, label, title, description)."""

    def write_it(folder):
        for name, articles in SETS.items():
            rows = [[pick(number, *article) for pick in picked] for number, article in enumerate(articles)]
            write(folder / f"{name}.csv", rows, header, **({"quoting": csv.QUOTE_MINIMAL} | options))

    return write_it


def number(i, label, title, description):
    return i


def from_0(i, label, title, description):
    return label


def from_1(i, label, title, description):
    return label + 1


def as_float(i, label, title, description):
    return f"{label + 1}.0"


def named(i, label, title, description):
    return CLASS_NAMES[label]


def shouted(i, label, title, description):
    return CLASS_NAMES[label].upper().replace("/", "-")


def title_of(i, label, title, description):
    return title


def description_of(i, label, title, description):
    return description


def joined(i, label, title, description):
    return f"{title} {description}".strip()


def empty(*_):
    return ""


def frames():
    return {name: pd.DataFrame(articles, columns=["label", "title", "description"]) for name, articles in SETS.items()}


def hub_set(named_classes=True):
    """The articles as on the hub: text, and label with or without names of classes."""
    kind = datasets.ClassLabel(names=list(CLASS_NAMES)) if named_classes else datasets.Value("int64")
    features = datasets.Features({"text": datasets.Value("string"), "label": kind})
    rows = {
        name: {"text": [text_of(a) for a in articles], "label": [a[0] for a in articles]}
        for name, articles in SETS.items()
    }
    return datasets.DatasetDict({name: datasets.Dataset.from_dict(r, features=features) for name, r in rows.items()})


def parquet(folder):
    for name, split in hub_set().items():
        split.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")


def parquet_parts(folder):
    for name, split in hub_set(named_classes=False).items():
        for part in (0, 1, 2):
            split.shard(3, part, contiguous=True).to_parquet(folder / f"{name}-0000{part}-of-00003.parquet")


def categories_in_parquet(folder):
    for name, frame in frames().items():
        names = frame["label"].map(dict(enumerate(CLASS_NAMES))).astype("category")
        frame.assign(label=names).to_parquet(folder / f"{name}.parquet")


def feather(folder):
    for name, frame in frames().items():
        frame.to_feather(folder / f"{name}.feather")


def json_lines(folder):
    for name, split in hub_set().items():
        split.to_json(folder / f"{name}.jsonl")


def json_list(folder):
    for name, frame in frames().items():
        frame.to_json(folder / f"{name}.json", orient="records")


def json_with_names(folder):
    for name, articles in SETS.items():
        lines = [
            json.dumps({"text": text_of(a), "label": a[0], "label_text": CLASS_NAMES[a[0]]}, ensure_ascii=False)
            for a in articles
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def saved(folder):
    hub_set().save_to_disk(str(folder))


def saved_deeper(folder):
    hub_set(named_classes=False).save_to_disk(str(folder / "ag_news"))


def pandas_gzip(folder):
    for name, frame in frames().items():
        frame.to_csv(folder / f"{name}.csv.gz")


def tab_separated(folder):
    for name, frame in frames().items():
        frame.to_csv(folder / f"{name}.tsv", sep="\t", index=False, header=False)


def backslashed(folder):
    for name, articles in SETS.items():
        lines = []
        for label, title, description in articles:
            texts = (text.replace("\\", "/").replace('"', '\\"') for text in (title, description))
            lines.append(",".join(f'"{cell}"' for cell in (label + 1, *texts)))
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def comma_at_the_end(folder):
    for name, articles in SETS.items():
        write(
            folder / f"{name}.csv", [(label + 1, *texts, "") for label, *texts in articles], quoting=csv.QUOTE_MINIMAL
        )


def other_capitals(folder):
    official(folder)
    for name in ("train", "test"):
        (folder / f"{name}.csv").rename(folder / f"{name.upper()}.CSV")


def deeper(folder):
    official(folder / "ag_news_csv")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._train.csv").write_bytes(b"\0\5")
    (folder / ".DS_Store").write_bytes(b"\0\1")


def zipped(folder):
    official(folder / "away")
    with zipfile.ZipFile(folder / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("train", "test"):
            archive.write(folder / "away" / f"{name}.csv", f"ag_news/{name}.csv")
            archive.writestr(f"__MACOSX/._{name}.csv", b"\0\5")
            (folder / "away" / f"{name}.csv").unlink()


def tarred(folder):
    official(folder / "away")
    with tarfile.open(folder / "ag_news_csv.tgz", "w:gz") as archive:
        for name in ("train", "test"):
            archive.add(folder / "away" / f"{name}.csv", f"ag_news_csv/{name}.csv")
            (folder / "away" / f"{name}.csv").unlink()


def with_spaces(folder):
    official(folder)
    for name in ("train", "test"):
        path = folder / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace('","', '", "'), encoding="utf-8")


def blank_lines(folder):
    official(folder)
    for name in ("train", "test"):
        path = folder / f"{name}.csv"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\r\n"))


KAGGLE = ("Class Index", "Title", "Description")
FORMS = {
    "official": official,
    "official, BOM": lambda folder: official(folder, encoding="utf-8-sig"),
    "official, classes from 0": lambda folder: official(folder, first=0),
    "official, blank lines": blank_lines,
    "official, spaces after commas": with_spaces,
    "official, other capitals": other_capitals,
    "official, one folder deeper": deeper,
    "official, zip": zipped,
    "official, tgz": tarred,
    "Kaggle": columns(KAGGLE, from_1, title_of, description_of),
    "Kaggle, BOM and CRLF": columns(
        KAGGLE, from_1, title_of, description_of, encoding="utf-8-sig", lineterminator="\r\n"
    ),
    "Kaggle, UTF-16": columns(KAGGLE, from_1, title_of, description_of, encoding="utf-16", delimiter="\t"),
    "Kaggle, semicolons": columns(KAGGLE, from_1, title_of, description_of, delimiter=";"),
    "Kaggle, comma at the end": columns((*KAGGLE, ""), from_1, title_of, description_of, empty),
    "title first": columns(("Title", "Description", "Class Index"), title_of, description_of, from_1),
    "description before title": columns(("label", "text", "headline"), from_1, description_of, title_of),
    "category, headline, content": columns(("category", "headline", "content"), from_1, title_of, description_of),
    "class_index": columns(("class_index", "title", "short_description"), from_0, title_of, description_of),
    "topic by name": columns(("topic", "title", "body"), named, title_of, description_of),
    "names in capitals": columns(("Class", "Title", "Description"), shouted, title_of, description_of),
    "names without a header": columns((), named, title_of, description_of),
    "floats": columns(KAGGLE, as_float, title_of, description_of),
    "text, label": columns(("text", "label"), joined, from_0),
    "index, text, label": columns(("", "text", "label"), number, joined, from_0),
    "Unnamed: 0": columns(("Unnamed: 0", "text", "labels"), number, joined, from_0),
    "label, id, text": columns(("label", "id", "text"), from_1, number, joined),
    "label and label_text": columns(("text", "label", "label_text"), joined, from_0, named),
    "class, text without a header": columns((), from_1, joined),
    "text, class without a header": columns((), joined, from_0),
    "class last without a header": columns((), title_of, description_of, from_1),
    "comma at the end, no header": comma_at_the_end,
    "tab-separated": tab_separated,
    "gzip of pandas": pandas_gzip,
    "parquet of the hub": parquet,
    "parquet in three parts": parquet_parts,
    "categories in parquet": categories_in_parquet,
    "feather": feather,
    "JSON lines": json_lines,
    "JSON list": json_list,
    "JSON with label_text": json_with_names,
    "save_to_disk": saved,
    "save_to_disk, one deeper": saved_deeper,
    "backslashes before quotes": backslashed,
}


def write_form(form: str, folder: Path) -> Path:
    """The made-up articles in a form, in a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    FORMS[form](folder)
    return folder


def csv_bytes(rows, **options) -> bytes:
    """Rows as the bytes of a CSV file."""
    out = io.StringIO(newline="")
    csv.writer(out, **({"lineterminator": "\n"} | options)).writerows(rows)
    return out.getvalue().encode()
