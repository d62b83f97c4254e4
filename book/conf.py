"""Sphinx's settings of the rendered course (make site); agnews_utils/commands/site.py copies them beside the pages."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

project = "Distilling a news classifier"
author = "the AG News distillation course authors"
copyright = f"{author}, CC BY 4.0"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # the committed outputs are shown
nb_render_markdown_format = "myst"
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4  # as GitHub makes them, so that a link works there and here
nitpicky = True

html_theme = "sphinx_book_theme"
html_title = project
html_copy_source = html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_math_renderer = "mathml"
html_theme_options = {
    "logo": {"text": project},
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search stands in the sidebar
    "use_repository_button": True,
    "use_download_button": False,
    "extra_footer": '<a href="../index.html">Ask a student in your browser, or take the DIST loss apart</a>',
}


def inline_math(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode  # else Sphinx would write the LaTeX behind it


def display_math(translator, node):
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def setup(app):
    # formulas as MathML, which browsers draw themselves: a page needs no script from elsewhere
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
