"""Write the embedded sample: a small synthetic news corpus in the exact form of AG News.

    python data/sample/make_sample.py            # writes train.csv and test.csv next to this file

This is NOT AG News. Every sentence is put together from the templates and word lists below; the people, places, firms,
teams and news agencies are invented. It is there so that the course runs without a network, and so that its tests have
text on which the interesting effects show. A figure measured on it says nothing about AG News.

Form: no header, three quoted columns (class, title, description); 1 World, 2 Sports, 3 Business, 4 Sci/Tech.

Planted on purpose:

* Long tail. Sentence frames are shared by all classes; the class lives in topical words drawn with Zipf-like weights,
  so a small training set misses many words that a pretrained encoder already knows.
* Cross-over stories (`KINDS`: "background", "compound", "pair"). Two classes' words are mixed in near equal number,
  and the main clause decides: "the dividend, not the ceasefire", "the football tariff", "Shares in the club fell after
  its goalkeeper ..." A bag of words sees little of that; word order tells.
* "weak" stories with hardly any topical word, and "ambiguous" ones in which two classes share the story evenly and the
  label is one of the two at random (nobody can get many more than half of those right).
* Dirt as in AG News: " #39;", " #36;", "quot;", "&amp;", "&lt;b&gt;", link mark-up, stray backslashes, agency datelines
  and about 1 % of empty titles.
* Copies: exact duplicates (0.5 %) and near duplicates (1 %) inside train, and 1 % of the test rows whose description
  is also in train under another title (a small train/test leak to be found).
"""

import argparse
import csv
import random
from pathlib import Path

SEED = 2004
N_TRAIN, N_TEST = 4000, 1000
N_EXACT, N_NEAR, N_LEAK = 20, 40, 10  # exact and near duplicates inside train; test rows with a train description
KINDS = {"plain": 49, "weak": 11, "background": 21, "compound": 8, "pair": 4, "ambiguous": 7}  # in per cent
SENTENCES = {1: 29, 2: 44, 3: 27}  # sentences per description, per cent
FOLLOW = {False: (40, 54, 3, 3), True: (48, 16, 14, 22)}  # later sentences: MORE, COMMON own, COMMON other, MIXED

# ---------------------------------------------------------------------------------------------------------------------
# Topical words. A class has subtopics, set apart by empty lines; a subtopic has six lists, set apart by "|":
# mod (stands before a noun) | org | agent | thing | event (nouns that follow "the") | act (past-tense predicate).
# In each list, and among the subtopics, the first come up most often (see `zipf`).
# ---------------------------------------------------------------------------------------------------------------------
FIELDS = ("mod", "org", "agent", "thing", "event", "act")
LEXICON = {
    1: """
election, ballot, coalition | opposition party, electoral commission, ruling party, polling station | president,
opposition leader, candidate, voter, incumbent, campaigner, returning officer | vote count, ballot, turnout, coalition,
manifesto, landslide, mandate, constituency, recount, electorate, exit poll | election, run-off, referendum, primary,
inauguration, by-election | conceded defeat, called for a recount, took the oath of office, cast an early ballot,
claimed a majority

peace, border, army | army, rebel group, militia, peacekeeping force, garrison | rebel commander, general, soldier,
insurgent, peacekeeper, envoy, warlord, refugee | ceasefire, truce, checkpoint, convoy, border crossing, disarmament,
insurgency, occupation, buffer zone, curfew | offensive, siege, withdrawal, uprising, prisoner exchange, mutiny | laid
down arms, crossed the border at dawn, broke the truce, called for a ceasefire, fled the fighting

treaty, sanctions, embassy | foreign ministry, embassy, security council, consulate, delegation | foreign minister,
ambassador, diplomat, mediator, secretary general, consul, attache | treaty, resolution, embargo, alliance, accord,
asylum request, visa ban, extradition, veto, communique, protocol | summit, state visit, negotiation, signing ceremony,
assembly session | left the embassy, vetoed the resolution, signed the accord, called for new sanctions, walked out of
the talks

flood, earthquake, relief | relief agency, coast guard, civil defence, field hospital | aid worker, survivor, villager,
rescuer, provincial governor, evacuee, nurse | death toll, rescue effort, evacuation, shelter, food shortage, epidemic,
emergency appeal, debris, refugee camp, cholera outbreak | earthquake, flood, typhoon, drought, famine, ferry accident,
mudslide | appealed for blankets, reached the cut-off villages, searched the rubble, spoke of a state of emergency

tribunal, prison, police | supreme court, tribunal, police force, prison service, human rights group | judge,
prosecutor, detainee, police chief, defendant, hostage, dissident, magistrate | verdict, indictment, amnesty, hostage
release, kidnapping, confession, custody, testimony, prison sentence, pardon | trial, hearing, manhunt, police raid,
inquest, protest march | spoke of ill treatment, asked for an amnesty, refused to testify, called for a retrial, went
into exile

parliament, cabinet, constitution | parliament, cabinet, senate, interior ministry, royal household, junta | prime
minister, lawmaker, interior minister, king, senator, cleric, speaker, mayor | constitution, cabinet reshuffle, decree,
no-confidence motion, corruption inquiry, succession, devolution, monarchy, censorship law, martial law | parliamentary
debate, coup, abdication, general strike | survived a confidence vote, called for a new government, resigned from
office, walked out of parliament
""",
    2: """
football, league, stadium | club, football association, first division side, youth academy | striker, goalkeeper,
manager, midfielder, defender, winger, referee, substitute | penalty, equaliser, free kick, red card, clean sheet,
hat-trick, offside call, own goal, relegation, transfer | cup final, derby, friendly, second leg, qualifier, shoot-out
| scored in stoppage time, was sent off, missed from the spot, played on with a sore hamstring

baseball, pennant, pitching | ball club, bullpen, expansion team | pitcher, slugger, shortstop, outfielder, catcher,
relief pitcher | home run, fastball, strikeout, double play, batting slump, curveball, shutout | playoff, season
opener, pennant race, ninth inning, doubleheader | threw a shutout, hit two home runs, stole third base, struck out

Olympic, sprint, marathon | Olympic committee, athletics federation, relay team, training camp | sprinter, swimmer,
runner, gymnast, hurdler, medallist, javelin thrower, decathlete | gold medal, world record, personal best, false
start, podium place, doping test, relay baton, pole vault | marathon, games, opening heat, relay, medal ceremony |
broke the world record, took silver, pulled up lame, finished outside the medals

cricket, test, batting | cricket board, county side, touring party | bowler, batsman, all-rounder, wicketkeeper,
umpire, spinner | wicket, innings, century, run chase, batting order, maiden over, follow-on | test match, one-day
series, second innings, rain delay | took five wickets, made an unbeaten century, won the toss, was caught behind

tennis, doubles, clay-court | tennis federation, grass-court club, doubles team | top seed, wild card, qualifier,
defending champion, left-hander | tie-break, match point, backhand, double fault, second serve, volley | quarter-final,
grand slam, semi-final, exhibition match | won in straight sets, saved three match points, lost her serve, withdrew
with a sore knee

playoff, touchdown, franchise | franchise, coaching staff, expansion franchise | quarterback, coach, linebacker,
rookie, kicker, running back | touchdown, interception, fumble, field goal, losing streak, roster, end zone | playoff,
draft, overtime, fourth quarter, training camp | threw for 300 yards, went on the injured list, ran for a touchdown,
sat out the last quarter

golf, fairway, amateur | country club, golf tour, greens committee | golfer, caddie, club professional, amateur champion
| birdie, bogey, leaderboard, fairway, putt, tee shot, handicap | open championship, final round, pro-am, play-off hole
| shot a six-under 66, missed the cut, found the water, sank a long putt

basketball, playoff, home-court | basketball league, bench, visiting side | point guard, coach, centre, rookie, reserve
| rebound, three-pointer, free throw, dunk, home streak, buzzer beater | overtime, all-star game, third quarter, playoff
| scored 31 points, fouled out, made nine rebounds, missed a free throw

racing, boxing, hockey | racing team, pit crew, ice hockey league, boxing commission | driver, cyclist, boxer, jockey,
goaltender, heavyweight, skier | pole position, yellow jersey, knockout, title belt, power play, photo finish, slap
shot | grand prix, title fight, time trial, slalom, steeplechase, regatta | came in first, was beaten on the line, took
the title, trained in secret
""",
    3: """
stock, bond, currency | stock exchange, hedge fund, brokerage, rating agency, pension fund, clearing house | investor,
trader, broker, fund manager, shareholder, analyst, bondholder, short seller | share price, bond yield, dividend,
index, exchange rate, futures contract, stock split, buyback, benchmark, portfolio | sell-off, share offering,
flotation, market close, bond auction | sold the shares, raised the price target, bought at the bottom, lost on
currency bets

merger, takeover, profit | board, conglomerate, buyout firm, holding company, subsidiary, audit committee | chief
executive, chairman, finance chief, auditor, bidder, majority owner, accountant | profit, takeover bid, quarterly loss,
merger, restructuring, balance sheet, write-down, joint venture, divestiture, goodwill charge | earnings report, annual
meeting, acquisition, spin-off, audit | beat forecasts, raised the offer, issued a profit warning, restated earnings,
sold the subsidiary

oil, gas, energy | oil company, refinery, energy group, pipeline operator, cartel, utility | oil trader, driller,
refiner, energy broker, tanker owner, commodities dealer | crude price, output quota, inventory, fuel surcharge,
pipeline, heating oil, supply glut, natural gas, tanker rate, petrol margin | output cut, refinery outage, cartel
meeting, futures settlement, price spike | raised output, hedged fuel costs, locked in crude supplies, passed on higher
prices

interest-rate, mortgage, tariff | central bank, treasury, lender, commerce department, insurer, credit union | central
banker, economist, lender, finance minister, homebuyer, underwriter, exporter | inflation rate, interest rate, trade
deficit, mortgage, tariff, consumer confidence, budget gap, recession, credit rating, insolvency | rate increase,
slowdown, devaluation, rate decision, bailout | called for lower rates, cut the growth forecast, warned of inflation,
spoke of a recession

retail, supermarket, consumer | retailer, supermarket chain, department store, brewer, hotel chain | store manager,
shopkeeper, franchise owner, importer, advertiser, wholesaler | bankruptcy, discount, price war, brand, market share,
profit margin, sales target, loyalty card | holiday season, store closure, clearance sale, product recall | filed for
bankruptcy, slashed prices, opened three stores, cut costs

payroll, pension, factory | labour union, manufacturer, steelmaker, employer, staffing agency, shipyard | factory
worker, union leader, plant manager, contractor, retiree, machinist | wage offer, job cut, layoff, pension plan,
overtime pay, severance, unemployment rate, productivity, hiring freeze, lawsuit | strike, walkout, plant closure, wage
round, downsizing | agreed to a wage freeze, accepted severance pay, walked off the job, gave up a pension

airline, freight, car | airline, carmaker, freight company, leasing firm, travel agency | airline executive, car
dealer, fleet owner, freight agent | fare increase, landing fee, order book, freight rate, dealer rebate | model
recall, fare war, fleet sale, bankruptcy hearing | raised fares, cancelled the order, cut capacity, sold part of the
fleet
""",
    4: """
software, browser, desktop | software maker, open-source project, developer community, start-up | programmer,
developer, software engineer, hacker, system administrator, web designer | operating system, web browser, software
patch, source code, database, search engine, upgrade, plug-in, algorithm, compiler, spreadsheet | beta release,
software launch, developer conference, server outage | released the source code, fixed the bug, rewrote the program,
crashed the server

space, lunar, orbital | space agency, observatory, mission control, rocket builder, launch site | astronomer,
astronaut, cosmonaut, mission scientist, flight engineer, stargazer | spacecraft, satellite, telescope, comet, probe,
asteroid, galaxy, solar wind, rover, black hole, heat shield | launch, spacewalk, fly-by, lunar eclipse, splashdown,
meteor shower | saw a faint comet, left orbit, lost contact with the probe, mapped the crater

internet, virus, online | internet provider, antivirus company, web portal, chat service, standards body | computer
user, spammer, security expert, blogger, virus writer, moderator, subscriber | computer worm, spam, phishing scam,
broadband line, password, firewall, spyware, web log, e-mail filter, domain name, file sharing | virus outbreak,
denial-of-service attack, network upgrade, webcast | blocked the spam, patched the flaw, went online, lost a password,
encrypted the messages

mobile, chip, wireless | chip maker, handset maker, electronics lab, console maker, wireless carrier | gamer, engineer,
chip designer, inventor, roboticist, hobbyist | processor, handset, video game, memory chip, flat screen, laptop,
digital camera, music player, hard drive, semiconductor, touchpad | gadget show, product demo, console launch, robot
contest | showed a thinner laptop, doubled the clock speed, built a prototype, took the gadget apart

gene, stem-cell, vaccine | laboratory, research institute, genome centre, medical school | scientist, biologist,
researcher, geneticist, neurologist, virologist | gene, protein, genome, stem cell, vaccine, enzyme, bacterium, neuron,
antibody, chromosome | clinical trial, experiment, peer review, genome project | sequenced the genome, cloned the
embryo, identified the enzyme, published the findings

climate, ocean, polar | weather institute, polar station, marine institute, geological survey | climatologist,
oceanographer, geologist, volcanologist, marine biologist | greenhouse gas, ozone layer, glacier, coral reef, ice core,
fault line, hurricane model, sea level | polar expedition, ice age, eruption, computer simulation | measured the ice
sheet, modelled the climate, sampled the sea floor, tracked the whales

fossil, quantum, laser | natural history museum, physics faculty, particle laboratory | paleontologist, physicist,
archaeologist, chemist, mathematician, anthropologist | fossil, dinosaur skeleton, particle, laser, nanotube, isotope,
primate, magnetic field, theorem | excavation, collider run, field season, chemistry lecture | unearthed a skull,
cooled the atoms, proved the theorem, dated the bones
""",
}


def frames(text, mark="|"):
    """The parts of a text between the marks, each brought onto one line."""
    return [" ".join(part.split()) for part in text.split(mark)]


def subtopic(text):
    """One subtopic of LEXICON as a dict: field -> list of words."""
    return {field: frames(words, ",") for field, words in zip(FIELDS, text.split("|"), strict=True)}


LEXICON = {label: [subtopic(topic) for topic in text.split("\n\n")] for label, text in LEXICON.items()}

# Words of no class in particular, shared by all.
SHARED = {
    "who": "spokesman, lawyer, insider, rival, supporter, critic, observer, colleague, adviser, witness",
    "matter": "decision, plan, dispute, deal, setback, comeback, defeat, victory, delay, gamble, campaign, battle, "
    "rally, recovery, challenge, defence, strategy",
    "verb": "defends, rejects, welcomes, questions, backs, awaits, seeks, faces, loses, wins, attacks, hails, drops",
    "past": "defended, rejected, welcomed, questioned, backed, criticised, attacked, won, lost, hailed, dropped",
    "day": "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
    "month": "January, March, April, June, September, October, November",
    "num": "2, 3, 4, 6, 7, 9, 11, 12, 15, 18, 24, 30",
    "nth": "second, third, fourth, fifth, sixth, tenth",
    "mood": "upbeat, cautious, relieved, surprised, divided, confident, doubtful, patient",
    "country": "Velmora, Karsund, Belidor, Quennar, Zembria, Lorvane, Ithria, Pellonia, Sarvenia, Uldran, Castova",
    "city": "Veldhaven, Port Corran, Aldermoor, Tolvane, Halrick, Estmere, Dunmarsh, Osterby, Kilmaren, Lakeminster, "
    "Fernhollow, Ravensmoor, Windle Bay, Morrowgate",
    "first": "Marta, Joren, Lena, Tomas, Ilse, Owen, Nadia, Hugo, Clara, Devin, Yara, Felix, Ingrid, Samir",
    "last": "Tarnwick, Brellan, Oskerby, Fenwold, Harlisle, Quorley, Maddrick, Velcourt, Strandell, Pomeray, Wexholm, "
    "Ardlow, Cressby, Rostvane, Thornabee",
    "stem": "Corvane, Brightmere, Nordexa, Quillon, Tessaly, Ambrel & Rook, Vantora, Lumerane, Pinemarsh, Harl & Sons, "
    "Kestwick, Drayvon, Ferrolux, Oxmantle",
    "agency": "Farwire, Newswire, Presslane, Wirepost, Globefeed",
}
SHARED = {name: words.split(", ") for name, words in SHARED.items()}
ENTITY = {
    1: ["the {city} council", "the government of {country}", "the ruler of {country}", "the province of {city}"],
    2: ["Sporting {city}", "the {country} team", "{city} Athletic", "{city} United"],
    3: ["{stem}", "{stem} Group", "{stem} Holdings", "{city} Bank", "{stem} Inc."],
    4: ["{stem}", "{stem} Labs", "{city} University", "{stem} Systems", "{stem} Inc."],
}

# ---------------------------------------------------------------------------------------------------------------------
# Frames. {agent}, {thing} ... come from the story's own class, {x_agent}, {x_thing} ... from the other class of a
# cross-over story; a digit asks for a second, different word. All but COMMON and PAIRS serve every class.
# ---------------------------------------------------------------------------------------------------------------------
TITLES = {
    "plain": frames("""{agent} {verb} {thing} before {event} | {city} {org} {verb} {matter} over {thing} |
        {entity}: {thing} back in question | {country} {agent} {verb} {matter} | {last} {verb} {thing} in {city} |
        new {thing} gives {agent} hope | questions remain over {thing} after {event} | {agent} {last} {act} |
        {org} in talks over {thing} | {agent} in the spotlight at {event} | {country} waits for news of {thing} |
        {matter} for {agent} as {event} nears | {event} ends in {matter} for {country} | {last} and the {thing}:
        what next? | no {thing} for {city} {agent} | {entity} {verb} {event} {matter}"""),
    "weak": frames("""{last} {verb} {matter} in {city} | {country} {verb} {matter} after long wait | {matter} in
        {city} as talks drag on | {who} {verb} {last} over {matter} | {last} says {matter} is not over yet |
        {city} prepares for {matter} on {day} | a new {matter} for {country} | {mood} {last} looks to {month} |
        {entity} {verb} {matter} on {day}"""),
    "background": frames("""{agent} {verb} {thing} despite {x_thing} | after {x_event}, {agent} {verb} {thing} |
        {thing}, not {x_thing}, is the issue | {x_thing} aside, {agent} {verb} {event} | {agent} {verb} {matter}
        amid {x_event} | former {x_agent} is now {city} {agent} | with {x_event} over, {org} {verb} {thing} |
        {last} leaves {x_thing} for {thing} | {last} {verb} {thing} in {city}"""),
    "compound": frames("""{x_mod} {thing} divides {city} | {last} {verb} {x_mod} {thing} | {x_mod} {agent} {verb}
        {matter} | the {x_mod} {thing} that {city} wanted | {country} to get {x_mod} {thing} | {x_mod} {event}
        ends in {matter}"""),
    "ambiguous": frames("""{agent} and {x_agent} in {city} {matter} | {x_agent} and {agent} meet in {city} |
        {thing} meets {x_thing} in {city} | {x_thing} and {thing}: a {country} {matter} | {last} on {x_thing} and
        {thing} | {last} {verb} {matter} in {city}"""),
}
TITLES["pair"] = TITLES["background"] + TITLES["weak"]
MAIN = {
    "plain": [
        "The {agent} {act} on {day}, {num} days before the {event} in {city}.",
        "A {matter} over the {thing} left the {org} with little time to prepare for the {event}, {last} said.",
        "{entity} said on {day} that the {thing} would be settled before the {event}, ending weeks of doubt.",
        "{person}, a {agent} from {city}, will be asked first of all about the {thing} on {day}.",
        "The {thing} was the talk of {city} on {day} after the {agent} {act}.",
        "It took {num} days and much patience, but in the end the {agent} {act} in {city}.",
        "The {org} {past} the {matter} on {day}, a day after {entity} had asked for more time over the {thing}.",
        "In {city} the {thing} came first and everything else second, {person} said after the {agent} {act}.",
        "For the {nth} time in a year the {org} has had to answer questions about the {thing}.",
        "The {agent} {act} on {day}, a {matter} that nobody at the {org} had seen coming.",
        "Hopes of a better {month} rose in {country} after the {agent} {act} and the {event} was confirmed.",
        "The {event} opened in {city} with a {matter} that may change how the {agent} looks at the {thing}.",
        "{entity} lost ground on {day} when the {thing} went the wrong way late in the {event}.",
        "A {mood} {agent} told {city} radio that the {thing} had been the hardest part of the {event}.",
        "The {org} will send a {nth} {agent} to {city} because of the {thing}, {person} said.",
    ],
    "weak": [
        "{person} said on {day} that the {matter} in {city} had come as no surprise to the {agent}.",
        "{entity} will wait until {month} before making the {matter} public, a {who} said on {day}.",
        "After the {event} the mood in {city} was {mood}, and {last} did not want to talk about the {matter}.",
        "The {matter} that {country} had been waiting for came on {day}, and a {who} called it a good start.",
        "A {who} in {city} {past} the {matter} on {day}, saying that it had gone on for {num} months.",
        "{person} is {mood} about the {thing}, but says that {num} months is a long time in {country}.",
    ],
    "background": [
        "Although the {x_agent} {x_act}, it was the {thing} that mattered in {city} on {day}, and the {agent} knew it.",
        "The {agent} {act} on {day}, weeks after the {x_event} had put the {x_thing} in the news.",
        "The {thing}, not the {x_thing}, will be at the centre of the {event}, although a {x_agent} is also invited.",
        "Once a {x_agent} who {x_act}, {person} is now the {agent} in charge of the {thing}.",
        "While {city} was busy with the {x_event}, the {agent} {act} and the {thing} went almost unnoticed.",
        "Despite the {x_thing} and a {mood} {x_agent}, the {org} went ahead with the {event} on {day}.",
        "The {agent} asked the {x_org} to keep the {x_thing} out of the {event}, because the {thing} came first.",
        "The {event} in {city} had to share the day with the {x_event}, but the {agent} {act} all the same.",
        "With the {x_thing} forgotten and the {x_event} over, {city} turned to the {thing} on {day}.",
        "The {x_agent} was there and the {x_org} sent flowers, but the day belonged to the {agent}, who {act}.",
        "News of the {thing} pushed the {x_event} and the {x_thing} off the front pages in {country} on {day}.",
        "Like a {x_agent} before the {x_event}, the {agent} was {mood} on {day} about the {thing}.",
    ],
    "compound": [
        "The {x_mod} {thing} has divided {city}, where the {agent} {past} it on {day} in front of a {x_agent}.",
        "A {x_mod} {agent} from {country} {act} on {day}, to the surprise of the {x_org}.",
        "{person} says the {x_mod} {thing} will not go away, whatever the {x_agent} may hope for.",
        "The {x_mod} {org} expects the {thing} by {month}, and the {x_agent} will have to wait.",
        "What {city} calls the {x_mod} {event} ended on {day} with a {matter} over the {thing} and a {x_agent}.",
    ],
    "ambiguous": [
        "The {agent} and the {x_agent} met in {city} on {day} to talk about the {thing} and the {x_thing}.",
        "The {x_agent} and the {agent} both had a say in the {matter}, which took in the {x_thing} and the {thing}.",
        "Between the {x_event} and the {event} there was not much to choose in {country}, {person} said.",
        "In {city} the {x_org} and the {org} share one building, one {matter} and, since {day}, one {who}.",
        "Part {thing}, part {x_thing}: the {matter} in {city} is hard to place, a {who} said on {day}.",
    ],
}
# Second and third sentences: small talk, some with one more topical word; sentences in a class's own common words; and,
# for cross-over stories, sentences about the other class.
MORE = frames("""A {who} said more would be known in {month}. | No date was given for a further meeting. | The
        figure is {num} percent higher than a year ago, {person2} said. | "We are {mood}," {person2} said. |
        {last} did not return a call on {day2}. | Some in {city} are {mood} about what comes next. | It is the
        {nth} {matter} of its kind in {country} since {month}, and few expect it to be the last. | "It's not the
        end of the {matter}," said {person2}, a {who} in {city}. | {last2} declined to comment. | {person2} put
        the cost at ${num} million, but a {who} said that it could still go up before {month}. | People close to
        the {org} said the {thing2} would not change. | The {agent2} could not be reached for comment. | That
        leaves the {agent2} with a {matter2} and the {org} with {num2} weeks to find an answer. | {last}'s
        {matter2} had been expected since {month}, when the {event2} did not go as planned. | Much now depends on
        the {thing2}. | The {who} who first spoke about it has since left {country}. | "I don't know what {city}
        expects of us," said {person2}. | There were {num2} people in the room, {last2} said.""")
COMMON = {
    1: frames("""The government has not said how it will respond. | Police were on the streets of {city} on
        {day2}. | The country has been tense since {month}. | World leaders called for calm. | The opposition
        wants the government to go. | Troops remain on the border with {country}."""),
    2: frames("""The team has won {num} of its last games this season. | The fans gave the players a long round of
        applause. | The coach praised the players. | It was the best result of the season. | The two sides meet
        again in {city} next week. | The score was level with {num} minutes to play."""),
    3: frames("""Shares closed {num} percent higher. | The company has sales of ${num} million a year. | Analysts
        had expected less. | Prices have risen since {month}. | Investors were {mood} about the quarter. | The
        market had feared worse."""),
    4: frames("""The technology is still years from everyday use. | Scientists hope to publish the results in
        {month}. | The system works on most computers. | Users will be able to try it in {month}. | The research
        took {num2} years. | The device is no bigger than a coin."""),
}
MIXED = frames("""The {x_agent2} had no comment. | The {x_thing2} is another {matter2}, {last} said. | The {x_org}
        and the {x_agent2} will follow it from a distance, a {who} said on {day2}. | {last}'s family has known the
        {x_event2} and the {x_thing2} for {num2} years.""")
# Cross-overs of one class with another, in much the same words both ways: who does what to whom decides.
PAIRS = {
    (1, 2): frames("""The government of {country} closed the border to fans on {day} after police put down
        protests at the {x_event}, where the {x_agent} had come to win. | A minister resigned on {day} over visas
        refused to the national team, whose {x_agent} {x_act} at the {x_event}."""),
    (2, 1): frames("""Fans crossed the border on {day} to see the {agent} win the {event}, {num} days after the
        government of {country} and its police had put down protests. | The national team, once refused visas by a
        minister who resigned over it, had its day at the {event}, where the {agent} {act}."""),
    (1, 3): frames("""Lawmakers voted on {day} to make the state buy the {x_org}, and the minister said that
        shares and exports were a matter for the nation. | Two governments ended a quarrel over exports on {day},
        and their envoys told the {x_org} and its {x_agent} to keep out of the {thing}."""),
    (3, 1): frames("""Shares in the {org} rose and its exports grew on {day}, once the minister had voted with
        lawmakers to leave it out of the hands of the state. | Exports to two governments whose envoys quarrel
        over the {x_thing} helped the {org} to sell more in {month} than the {agent} had hoped."""),
    (1, 4): frames("""Parliament voted on {day} to ban the {x_thing}, and police were sent to the {x_org}, where
        researchers had studied it for {num} years. | Police in {country} held a {x_agent} on {day} over data on
        the {x_thing}, and the embassy said that the study was never secret."""),
    (4, 1): frames("""Researchers at the {org} who studied the {thing} for {num} years found nothing that
        parliament or the police could have feared when they voted to ban it. | Data on the {thing} that the
        police and an embassy in {country} had held as secret helped a {agent} to a study published on {day}."""),
    (2, 3): frames("""The {agent} {act} on {day} to lift the club, whose owners, a {x_org}, bought it for ${num}
        million and have seen its shares and revenue fall. | The {agent} paid by a sponsor, a {x_mod} company in
        debt, took the lead at the {event} on {day} and spoke of a contract for next season."""),
    (3, 2): frames("""Shares in the club have fallen with its revenue, and the owners, who bought it for ${num}
        million, said on {day} that a {x_agent} who {x_act} could not lift them. | The {mod} company that paid a
        {x_agent} took on more debt on {day} for a contract as sponsor of the {x_event}, which it had hoped would
        take it into the lead."""),
    (2, 4): frames("""A {agent} who {act} was cleared to compete on {day}, as the lab and its {x_agent} found that
        the new test had been wrong about the sample. | The {agent} used data and a computer to beat a rival at
        the {event} on {day}, although the {x_agent} who built the program had said it would lose."""),
    (4, 2): frames("""The new test that a {agent} built in the lab was wrong about one sample in {num}, too few to
        have cleared the {x_agent} who {x_act} and may not compete. | A computer program built by a {agent} used
        data on a {x_agent} to say who would beat which rival at the {x_event}, and did not lose on {day}."""),
    (3, 4): frames("""{stem} reported earnings on {day} that rose {num} percent on sales of a new {x_thing}, which
        its engineers had shown to customers in {month}. | Shares in {stem} lost {num} percent on {day}, after its
        engineers said the technology behind the {x_thing} would not work before {month}."""),
    (4, 3): frames("""Engineers at {stem}, which reported earnings and rising sales in {month}, showed customers a
        new {thing} on {day} that needs {num} percent less power. | The technology behind the {thing} works at
        last, said engineers at {stem}, whose shares had lost {num} percent on the delay."""),
}
SMALL = set(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "over",
        "that",
        "the",
        "to",
        "up",
        "with",
    ]
)


def zipf(rng, words, power=1.5):
    """Draw a word; the k-th word of the list has weight 1 / (k + 1) ** power."""
    return rng.choices(words, [1 / (k + 1) ** power for k in range(1, len(words) + 1)])[0]


def capital(text):
    return text[:1].upper() + text[1:]


def articles(text):
    """Put "an" for "a" where the next word asks for it."""
    words = text.split(" ")
    for k, word in enumerate(words[1:]):
        vowel = word[:1].lower() in set("aeio") or (word[:2].lower() in ("um", "un", "up") and word[:3] != "uni")
        if words[k] in ("a", "A") and vowel and not word.startswith("one-"):
            words[k] += "n"
    return " ".join(words)


class Story:
    """The slots of one article. A slot is drawn when first used and then kept, so that a text stays about one thing."""

    def __init__(self, rng):
        self.rng = rng
        self.label, self.other = rng.sample(sorted(LEXICON), 2)
        self.kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        self.topic, self.x_topic = (zipf(rng, LEXICON[label], 0.9) for label in (self.label, self.other))
        self.values = {}

    def __getitem__(self, slot):
        while slot not in self.values:
            value = self.draw(slot)
            if value not in self.values.values():  # "thing2" is to differ from "thing"
                self.values[slot] = value
        return self.values[slot]

    def draw(self, slot):
        name = slot.rstrip("2")
        if name == "person":
            return f"{self.rng.choice(SHARED['first'])} {self[slot.replace(name, 'last')]}"
        if name == "entity":
            return self.rng.choice(ENTITY[self.label]).format_map(self)
        if name in SHARED:
            return self.rng.choice(SHARED[name])
        topic = self.x_topic if name.startswith("x_") else self.topic
        return zipf(self.rng, topic[name.removeprefix("x_")])

    def fill(self, frame):
        return capital(articles(frame.format_map(self)))


def headline(story):
    """A title of 4 to 10 words, in Title Case or in sentence case."""
    text = ""
    while not 4 <= len(text.split()) <= 10:
        text = story.fill(story.rng.choice(TITLES[story.kind]))
    if story.rng.random() < 0.6:
        text = capital(" ".join(word if word in SMALL else capital(word) for word in text.split()))
    return text


def body(story):
    """One to three sentences: the main one, which tells the class, and what follows."""
    rng = story.rng
    mixed = story.kind in ("background", "compound", "pair", "ambiguous")
    sentences = [story.fill(rng.choice(PAIRS[story.label, story.other] if story.kind == "pair" else MAIN[story.kind]))]
    n_sentences = rng.choices(list(SENTENCES), list(SENTENCES.values()))[0]
    while len(sentences) < n_sentences:
        source = rng.choices([MORE, COMMON[story.label], COMMON[story.other], MIXED], FOLLOW[mixed])[0]
        sentence = story.fill(rng.choice(source))
        if sentence not in sentences:
            sentences.append(sentence)
    return " ".join(sentences)


def dirt(rng, title, text, story):
    """The traces that web pages left in AG News, at low rates."""
    if rng.random() < 0.30:  # agency, as a dateline and perhaps in the title
        agency = rng.choice(SHARED["agency"])
        text = f"{agency} - {text}" if rng.random() < 0.5 else f"{story['city'].upper()} ({agency}) - {text}"
        title += f" ({agency})" if rng.random() < 0.4 else ""
    if rng.random() < 0.35:
        title, text = (part.replace("'", " #39;").replace("$", " #36;") for part in (title, text))
    if rng.random() < 0.5:
        text = text.replace('"', " quot;").strip()
    if rng.random() < 0.8:
        title, text = title.replace("&", "&amp;"), text.replace("&", "&amp;")
    chance = rng.random()
    if chance < 0.015:
        text = f"&lt;b&gt;{story['city']}&lt;/b&gt; {text}"
    elif chance < 0.025:
        link = f"http://www.example.com/story?id={rng.randint(1000, 9999)}"
        text += f' &lt;A HREF="{link}"&gt;Full story&lt;/A&gt;'
    elif chance < 0.055:  # a lost line break
        words = text.split(" ")
        cut = rng.randint(1, len(words) - 1)
        text = " ".join(words[:cut]) + "\\" + " ".join(words[cut:])
    return ("" if rng.random() < 0.01 else title), text


def article(rng):
    """One article: (row, story), the row being (class, title, description)."""
    story = Story(rng)
    text = body(story)
    title, text = dirt(rng, headline(story), text, story)
    return (str(story.label), title, text), story


def retitled(rng, row, story):
    """The same description under another title."""
    title = headline(story)
    while title in ("", row[1]):
        title = headline(story)
    return row[0], title, row[2]


def reworded(rng, row):
    """The same row with one day or number changed, or with a short sentence added."""
    words = row[2].split(" ")
    for name in ("day", "num"):
        for place, word in enumerate(words):
            if word in SHARED[name]:
                words[place] = rng.choice([other for other in SHARED[name] if other != word])
                return row[0], row[1], " ".join(words)
    return row[0], row[1], row[2] + " More to follow."


def generate(seed=SEED):
    """Make the corpus: (train_rows, test_rows), lists of (class, title, description) of strings, shuffled."""
    rng = random.Random(seed)
    seen, made = set(), []
    while len(made) < N_TRAIN - N_EXACT - N_NEAR + N_TEST - N_LEAK:
        row, story = article(rng)
        if row[2] not in seen:
            seen.add(row[2])
            made.append((row, story))
    train, test = made[N_TEST - N_LEAK :], made[: N_TEST - N_LEAK]
    copied = rng.sample(train, N_EXACT + N_NEAR + N_LEAK)
    exact, near, leak = copied[:N_EXACT], copied[N_EXACT:-N_LEAK], copied[-N_LEAK:]
    train_rows = [row for row, _ in train + exact]
    train_rows += [retitled(rng, *pair) if k % 2 else reworded(rng, pair[0]) for k, pair in enumerate(near)]
    test_rows = [row for row, _ in test] + [retitled(rng, *pair) for pair in leak]
    rng.shuffle(train_rows)
    rng.shuffle(test_rows)
    return train_rows, test_rows


def write(rows, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


def main():
    parser = argparse.ArgumentParser(description="Write the embedded sample, train.csv and test.csv.")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    for name, rows in zip(("train", "test"), generate(args.seed), strict=True):
        write(rows, args.folder / f"{name}.csv")
        print(f"{name}.csv: {len(rows)} rows")


if __name__ == "__main__":
    main()
