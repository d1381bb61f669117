#!/usr/bin/env python3
"""Check Kezek's public record without trusting Kezek. One file, Python 3.8 or later, nothing else.

    kezek_verify.py log PLACE [--keys FILE] [--checkpoint FILE]...    PLACE: a folder or an address
    kezek_verify.py bundle FOLDER [--keys FILE] [--checkpoint FILE]...  an auditor's full copy
    kezek_verify.py entry FILE [--keys FILE]                          one opened entry
    kezek_verify.py consistency OLD NEW PROOF [--keys FILE]           two checkpoints, one proof
    kezek_verify.py queue PLACE [--checkpoint FILE]...                a queue's published orders
    kezek_verify.py run FOLDER [--openings FILE] [--queue PLACE]      a run, counted again
    kezek_verify.py receipt FILE                                      the receipt of an application
    kezek_verify.py place FILE [--receipt FILE] [--queue PLACE]       a family's place in a queue
    kezek_verify.py input FILE [--receipt FILE] [--run FOLDER]        what a run knew of a family

All take --keys FILE (the keys that you kept), --json, --lang kk|ru|en.

kk: log - бүкіл жазбаны, bundle - аудитордың көшірмесін, entry - бір ашылған жазбаны, consistency -
екі бақылау нүктесін, queue - кезектің жарияланған ретін, run - үлестіруді, receipt - қолхатты,
place - кезектегі орынды, input - үлестіру бала туралы не білгенін тексереді. Қазақша: --lang kk.
ru: log проверяет всю запись, bundle - копию аудитора, entry - одну раскрытую запись, consistency -
две контрольные точки, queue - опубликованный порядок очереди, run - распределение, receipt -
расписку, place - место в очереди, input - что распределение знало о ребёнке. По-русски: --lang ru.

Exit codes: 0 everything holds; 1 something is broken, the first such thing is named; 2 wrong use or
unreadable input; 3 the address does not answer.
kk: 0 - бәрі дұрыс; 1 - бірдеңе бұзылған, алғашқысы аталады; 2 - қате шақыру не оқылмайтын файл; 3 -
мекенжай жауап бермейді.
ru: 0 - всё верно; 1 - что-то нарушено, названо первое; 2 - неверный вызов или нечитаемый файл; 3 -
адрес не отвечает.

What is checked is written in docs/public-record.md and docs/queue-proofs.md; formats are RFC 6962,
RFC 8032 and C2SP's signed-note, tlog-checkpoint, tlog-tiles. This file shares no code with what
made the record or decided a run: it counts everything again from the rules as they are written.
"""

import argparse
import base64
import datetime
import hashlib
import heapq
import hmac
import json
import os
import re
import sys
import urllib.error
import urllib.request

OK, BROKEN, USAGE, SILENT = 0, 1, 2, 3
WIDTH = 256


class Broken(Exception):
    """Something does not hold. what: a word for programs; number: the first entry concerned.

    key, facts: of the sentence in three languages; ticket: the first one concerned.
    """

    def __init__(self, what, text, number=None, ticket=None, key=None, facts=None):
        super().__init__(text)
        self.what, self.number, self.ticket = what, number, ticket
        self.key, self.facts = key, facts or {}


class Unusable(Exception):
    """The input cannot be read at all."""


# --- what is said, in three languages -------------------------------------------------------------

SENTENCES = {
    "signature/line": (
        "{where}: a line of signatures cannot be read",
        "{where}: строка подписей не читается",
        "{where}: қолтаңба жолы оқылмайды",
    ),
    "signature/false": (
        "{where}: the signature of {name} is false",
        "{where}: подпись {name} неверна",
        "{where}: {name} қолтаңбасы жалған",
    ),
    "signature/unknown": (
        "{where} is not signed by a known key",
        "{where}: нет подписи известным ключом",
        "{where}: белгілі кілтпен қол қойылмаған",
    ),
    "note/unreadable": (
        "{where} is not a signed note",
        "{where}: это не подписанная запись",
        "{where}: бұл қол қойылған жазба емес",
    ),
    "note/kind": (
        "{where} is a note of another kind, {name}",
        "{where}: подписанная запись другого вида, {name}",
        "{where}: басқа түрдегі жазба, {name}",
    ),
    "note/another": (
        "{where} is of {name}, not of {expected}",
        "{where}: относится к {name}, а не к {expected}",
        "{where}: {expected} емес, {name} туралы",
    ),
    "receipt/fields": (
        "{where}: the field {name} is missing or cannot be read",
        "{where}: поле {name} отсутствует или не читается",
        "{where}: {name} өрісі жоқ не оқылмайды",
    ),
    "receipt/another": (
        "the receipt says another {name}: it is not of this ticket {ticket}",
        "в расписке другое: {name}; она не от билета {ticket}",
        "қолхатта {name} басқа: ол {ticket} билетінікі емес",
    ),
    "missing/file": (
        "{where} is missing",
        "{where}: файла нет",
        "{where}: файл жоқ",
    ),
    "index/unreadable": (
        "index.json cannot be read",
        "index.json не читается",
        "index.json оқылмайды",
    ),
    "index/differs": (
        "index.json says of checkpoint {number} what its note does not",
        "index.json говорит о контрольной точке {number} не то, что она сама",
        "index.json {number}-бақылау нүктесі туралы басқаша айтады",
    ),
    "missing/run": (
        "checkpoint {number} came after run {name}, whose bundle the index does not name",
        "точка {number} вышла после распределения {name}, а в index.json его нет",
        "{number}-нүкте {name} үлестіруінен кейін шыққан, бірақ ол index.json ішінде жоқ",
    ),
    "number/missing": (
        "checkpoint {number} is missing",
        "контрольной точки {number} нет",
        "{number}-бақылау нүктесі жоқ",
    ),
    "number/differs": (
        "checkpoint {number} says that it is number {other}: an old one shown as new",
        "контрольная точка {number} называет себя {other}: старая показана как новая",
        "{number}-бақылау нүктесі өзін {other} дейді: ескісі жаңа деп көрсетілген",
    ),
    "replay/kept": (
        "{where} is checkpoint {number}, the newest shown is {other}: newer ones were removed",
        "{where}: точка {number}, а новейшая из показанных {other}: более новые убраны",
        "{where}: {number}-нүкте, ал көрсетілгеннің соңғысы {other}: жаңалары алынып тасталған",
    ),
    "fork/kept": (
        "{where} and the checkpoint {number} shown are two different ones: a fork",
        "{where} и показанная точка {number} различны: у очереди две истории",
        "{where} мен көрсетілген {number}-нүкте екі бөлек: кезектің екі тарихы бар",
    ),
    "chain/queue": (
        "checkpoint {number} does not follow the one before it",
        "контрольная точка {number} не продолжает предыдущую",
        "{number}-бақылау нүктесі алдыңғысын жалғастырмайды",
    ),
    "chain/run": (
        "the run {name} does not follow the run before it",
        "распределение {name} не продолжает предыдущее",
        "{name} үлестіруі алдыңғысын жалғастырмайды",
    ),
    "time/queue": (
        "checkpoint {number} is not later than the one before it",
        "контрольная точка {number} не позже предыдущей",
        "{number}-бақылау нүктесі алдыңғысынан кейін емес",
    ),
    "time/run": (
        "the run was not proposed, released and ended in this order of time",
        "предложение, выпуск и конец распределения идут не по времени",
        "үлестірудің ұсынылуы, шығарылуы мен аяқталуы уақыт ретімен емес",
    ),
    "list/digest": (
        "checkpoint {number}: order.json is not the one that was signed",
        "точка {number}: order.json не тот, что подписан",
        "{number}-нүкте: order.json қол қойылғаны емес",
    ),
    "list/unreadable": (
        "checkpoint {number}: order.json cannot be read",
        "точка {number}: order.json не читается",
        "{number}-нүкте: order.json оқылмайды",
    ),
    "root/leaves": (
        "{where}: the leaves do not make the root that was signed",
        "{where}: листья не дают подписанного корня",
        "{where}: жапырақтар қол қойылған түбірді бермейді",
    ),
    "root/size": (
        "{where}: {other} leaves, but the signed size is {size}",
        "{where}: листьев {other}, а подписан размер {size}",
        "{where}: {other} жапырақ, ал қол қойылған саны {size}",
    ),
    "lines/number": (
        "checkpoint {number}: order.json names another number or instant",
        "точка {number}: в order.json другой номер или время",
        "{number}-нүкте: order.json ішінде басқа нөмір не уақыт",
    ),
    "lines/count": (
        "checkpoint {number}: {other} lines for {size} leaves",
        "точка {number}: строк {other}, листьев {size}",
        "{number}-нүкте: {other} жол, {size} жапырақ",
    ),
    "lines/twice": (
        "checkpoint {number}: ticket {ticket} stands twice",
        "точка {number}: билет {ticket} стоит дважды",
        "{number}-нүкте: {ticket} билеті екі рет тұр",
    ),
    "lines/cell": (
        "checkpoint {number}: ticket {ticket} stands outside the order of the cells",
        "точка {number}: билет {ticket} стоит вне порядка ячеек",
        "{number}-нүкте: {ticket} билеті ұяшықтар ретінен тыс тұр",
    ),
    "lines/place": (
        "checkpoint {number}: ticket {ticket} has place {other} where {expected} comes",
        "точка {number}: у билета {ticket} место {other}, а по счёту {expected}",
        "{number}-нүкте: {ticket} билетінің орны {other}, санаса {expected}",
    ),
    "small/cell": (
        "checkpoint {number}: a cell of {other} is shown apart; fewer than 5 never are",
        "точка {number}: отдельно показана ячейка из {other}; меньше 5 не показывают",
        "{number}-нүкте: {other} билеттен тұратын ұяшық бөлек көрсетілген; 5-тен азы көрсетілмейді",
    ),
    "small/count": (
        "checkpoint {number}: a cell counts {other}, but {size} lines stand in it",
        "точка {number}: в ячейке указано {other}, а строк {size}",
        "{number}-нүкте: ұяшықта {other} делінген, жолы {size}",
    ),
    "small/blank": (
        "checkpoint {number}: {size} leaves; fewer than 5 are filled up with blank ones",
        "точка {number}: листьев {size}; меньше 5 дополняют пустыми",
        "{number}-нүкте: {size} жапырақ; 5-тен азы бос жапырақпен толтырылады",
    ),
    "small/run": (
        "the run shows a count of 1 to 4, or a category twice",
        "распределение показывает число от 1 до 4 или категорию дважды",
        "үлестіру 1-ден 4-ке дейінгі санды немесе санатты екі рет көрсетеді",
    ),
    "draw/public": (
        "checkpoint {number}: ticket {ticket} does not stand where the draw puts it",
        "точка {number}: билет {ticket} стоит не там, куда его ставит жеребьёвка",
        "{number}-нүкте: {ticket} билеті жеребе қойған жерде тұрған жоқ",
    ),
    "late/ticket": (
        "ticket {ticket} was not among its intake's tickets as published before the draw",
        "билет {ticket} относится к набору, чьи билеты опубликованы до жеребьёвки; его там не было",
        "{ticket} билеті жеребеге дейін жарияланған қабылдау билеттерінің арасында болған жоқ",
    ),
    "entry/another": (
        "checkpoint {number}: the entry of the record is of another checkpoint",
        "точка {number}: запись журнала относится к другой контрольной точке",
        "{number}-нүкте: журнал жазбасы басқа бақылау нүктесі туралы",
    ),
    "entry/broken": (
        "checkpoint {number}: its entry of the record does not hold",
        "точка {number}: её запись в журнале не сходится",
        "{number}-нүкте: оның журналдағы жазбасы сәйкес емес",
    ),
    "leaf/text": (
        "{where}: the leaf cannot be read as what it should be",
        "{where}: лист не читается как должно",
        "{where}: жапырақ дұрыс оқылмайды",
    ),
    "inclusion/path": (
        "ticket {ticket} does not stand under the signed root: another text, salt or path",
        "билет {ticket} не стоит под подписанным корнем: другой текст, соль или путь",
        "{ticket} билеті қол қойылған түбірдің астында жоқ: мәтіні, тұзы не жолы басқа",
    ),
    "inclusion/published": (
        "the note that ticket {ticket} was shown is not the published one",
        "билету {ticket} показана не та запись, что опубликована",
        "{ticket} билетіне көрсетілген жазба жарияланғаны емес",
    ),
    "inclusion/list": (
        "ticket {ticket} does not stand at its number in the published order",
        "билет {ticket} стоит в опубликованном порядке не под своим номером",
        "{ticket} билеті жарияланған ретте өз нөмірінде тұрған жоқ",
    ),
    "bundle/digest": (
        "bundle.json is not the one that was signed",
        "bundle.json не тот, что подписан",
        "bundle.json қол қойылғаны емес",
    ),
    "bundle/fields": (
        "bundle.json: {name} is missing or is not what it should be",
        "bundle.json: {name} отсутствует или не то",
        "bundle.json: {name} жоқ немесе дұрыс емес",
    ),
    "whole/digest": (
        "the auditor's bundle is not the one that the public bundle names",
        "пакет аудитора не тот, что назван в публичном",
        "аудитордың пакеті жариядағы аталғаны емес",
    ),
    "whole/differs": (
        "the auditor's bundle says another {name} than the public one",
        "в пакете аудитора другое, чем в публичном: {name}",
        "аудитордың пакетінде жариядағыдан басқа: {name}",
    ),
    "whole/outcome": (
        "ticket {ticket}: the auditor's bundle says another {name} than the public one",
        "билет {ticket}: в пакете аудитора другое {name}, чем в публичном",
        "{ticket} билеті: аудитордың пакетінде {name} жариядағыдан басқа",
    ),
    "checkpoint/named": (
        "the run names checkpoint {number}; the queue has another under this number",
        "распределение называет контрольную точку {number}; под этим номером в очереди другая",
        "үлестіру {number}-бақылау нүктесін атайды; кезекте бұл нөмірде басқасы тұр",
    ),
    "checkpoint/older": (
        "the run does not name checkpoint {number}, the newest when it was proposed",
        "распределение не называет точку {number}, новейшую ко времени предложения",
        "үлестіру ұсынылған кездегі ең жаңа {number}-бақылау нүктесін атамайды",
    ),
    "left-out/ticket": (
        "ticket {ticket} waited before the run and after it (checkpoint {number}); it took no part",
        "билет {ticket} ждал и до распределения, и после (точка {number}), а в нём не участвовал",
        "{ticket} билеті үлестіруге дейін де, кейін де күткен ({number}-нүкте), бірақ қатыспаған",
    ),
    "changed/leaf": (
        "ticket {ticket}: the run read another time or intake than checkpoint {number} has signed",
        "билет {ticket}: распределение прочло не то время или набор, что подписан в точке {number}",
        "{ticket} билеті: үлестіру оқыған уақыт не қабылдау {number}-нүктеде қол қойылғаннан басқа",
    ),
    "rules/order": (
        "the rules of order contradict themselves: {name}",
        "правила порядка противоречивы: {name}",
        "рет ережелері өзара қайшы: {name}",
    ),
    "carry/before": (
        "the round of one to three does not go on where the run before stopped (cohort {name})",
        "круг один к трём продолжен не там, где остановился (возраст {name})",
        "бірге үш айналымы тоқтаған жерінен жалғаспаған (жас тобы {name})",
    ),
    "carry/after": (
        "cohort {name}: turn {other} is carried on, but {expected} follows from the vouchers",
        "возраст {name}: следующему распределению передан черёд {other}, а следует {expected}",
        "{name} жас тобы: келесіге {other}-кезең берілген, ал ваучерлерден {expected} шығады",
    ),
    "places/order": (
        "the places are not sorted, or {name} stands twice or is impossible",
        "места не по порядку, либо {name} стоит дважды или невозможно",
        "орындар ретсіз, немесе {name} екі рет тұр не мүмкін емес",
    ),
    "outcomes/count": (
        "{other} outcomes for {size} leaves",
        "исходов {other}, листьев {size}",
        "{other} нәтиже, {size} жапырақ",
    ),
    "outcomes/order": (
        "ticket {ticket} stands twice in the outcomes or out of their order",
        "билет {ticket} стоит в исходах дважды или не по порядку",
        "{ticket} билеті нәтижелерде екі рет не ретсіз тұр",
    ),
    "outcomes/settled": (
        "ticket {ticket}: what became of it ({name}) does not fit its places",
        "билет {ticket}: исход ({name}) не вяжется с местами",
        "{ticket} билеті: нәтижесі ({name}) орындарымен сәйкес емес",
    ),
    "outcomes/void": (
        "ticket {ticket} is void though the run was not stopped",
        "билет {ticket} аннулирован, хотя распределение не остановлено",
        "үлестіру тоқтатылмаса да {ticket} билеті жарамсыз делінген",
    ),
    "group/unknown": (
        "ticket {ticket} went to {name}, which is none of the run's places",
        "билет {ticket} получил {name}, которого нет среди мест",
        "{ticket} билеті орындар қатарында жоқ {name} тобын алған",
    ),
    "capacity/public": (
        "group {name}: {other} went in where {size} places were; ticket {ticket} is beyond",
        "группа {name}: вошли {other}, мест {size}; билет {ticket} лишний",
        "{name} тобы: {size} орынға {other} бала кірген; {ticket} билеті артық",
    ),
    "seed/form": (
        "the seed of intake {name} is not hex, or is given twice",
        "зерно набора {name} не в шестнадцатеричном виде или дано дважды",
        "{name} қабылдауының тұқымы он алтылық емес не екі рет берілген",
    ),
    "seed/missing": (
        "ticket {ticket} is of intake {name}, of which no seed is given",
        "билет {ticket} из набора {name}, зерно которого не дано",
        "{ticket} билеті тұқымы берілмеген {name} қабылдауынан",
    ),
    "seed/differs": (
        "intake {name} has two seeds: that of the run and another",
        "у набора {name} два зерна: в распределении и другое",
        "{name} қабылдауының екі тұқымы бар",
    ),
    "opening/count": (
        "{other} openings for {size} leaves; ticket {ticket} has none or is no leaf",
        "раскрытий {other}, листьев {size}; билет {ticket} без раскрытия или без листа",
        "{size} жапыраққа {other} ашу; {ticket} билетінің ашуы не жапырағы жоқ",
    ),
    "opening/twice": (
        "ticket {ticket} is opened twice",
        "билет {ticket} раскрыт дважды",
        "{ticket} билеті екі рет ашылған",
    ),
    "opening/text": (
        "ticket {ticket}: the leaf's text is not what it should be ({name})",
        "билет {ticket}: текст листа не таков, как должен ({name})",
        "{ticket} билеті: жапырақ мәтіні дұрыс емес ({name})",
    ),
    "opening/leaf": (
        "ticket {ticket}: text and salt do not make its leaf",
        "билет {ticket}: текст и соль не дают его листа",
        "{ticket} билеті: мәтін мен тұз оның жапырағын бермейді",
    ),
    "opening/outcome": (
        "ticket {ticket}: the opened outcome is not the public one",
        "билет {ticket}: раскрытый исход не тот, что опубликован",
        "{ticket} билеті: ашылған нәтиже жарияланғаны емес",
    ),
    "order/category": (
        "ticket {ticket} should stand {expected} in the line and is put {other}",
        "билет {ticket} должен стоять {expected}-м, а поставлен {other}-м",
        "{ticket} билеті қатарда {expected}-орында тұруы тиіс, {other}-орынға қойылған",
    ),
    "draw/line": (
        "ticket {ticket} should stand {expected} by the draw and is put {other}",
        "билет {ticket} по жеребьёвке должен стоять {expected}-м, а поставлен {other}-м",
        "{ticket} билеті жеребе бойынша {expected}-орында тұруы тиіс, {other}-орынға қойылған",
    ),
    "draw/instant": (
        "ticket {ticket} stands as of {other}; all of intake {name} stand as of its opening",
        "билет {ticket} учтён с {other}; все из набора {name} стоят с его открытия",
        "{ticket} билеті {other} сәтінен есептелген; {name} қабылдауының бәрі ашылу сәтінен тұрады",
    ),
    "interleave/line": (
        "one to three is not kept: ticket {ticket} comes {expected} and is put {other}",
        "чередование один к трём нарушено: билет {ticket} идёт {expected}-м, а поставлен {other}-м",
        "бірге үш кезектесуі бұзылған: {ticket} билеті {expected}-орында, {other}-орынға қойылған",
    ),
    "interleave/turn": (
        "one to three is not kept: ticket {ticket} has turn {other}, {expected} follows",
        "чередование один к трём нарушено: у билета {ticket} черёд {other}, следует {expected}",
        "бірге үш кезектесуі бұзылған: {ticket} билетінің кезеңі {other}, дұрысы {expected}",
    ),
    "category/none": (
        "ticket {ticket}: its right and cohort make no category of the rules",
        "билет {ticket}: право и возраст не дают категории из правил",
        "{ticket} билеті: құқығы мен жас тобы ережеде санат құрамайды",
    ),
    "mover/worse": (
        "ticket {ticket} asked to move and is worse off: {name} is not among its wishes",
        "билет {ticket} просил перевода и оказался в худшем: {name} не среди желаний",
        "{ticket} билеті ауысуды сұрап, нашарлаған: {name} оның қалауында жоқ",
    ),
    "mover/none": (
        "ticket {ticket} holds a place and is treated as one that waits, or the other way round",
        "билет {ticket} держит место, а учтён как ожидающий, или наоборот",
        "{ticket} билетінің орны бар, бірақ күтуші деп есептелген, не керісінше",
    ),
    "fit/age": (
        "ticket {ticket} got {name}, which does not take its age",
        "билет {ticket} получил {name}, где не берут этот возраст",
        "{ticket} билеті бұл жасты қабылдамайтын {name} тобын алған",
    ),
    "fit/language": (
        "ticket {ticket} got {name}, which is of another language",
        "билет {ticket} получил {name} с другим языком",
        "{ticket} билеті басқа тілдегі {name} тобын алған",
    ),
    "fit/kind": (
        "ticket {ticket} got {name}, which is of another kind",
        "билет {ticket} получил {name} другого вида",
        "{ticket} билеті басқа түрдегі {name} тобын алған",
    ),
    "fit/year": (
        "ticket {ticket} is out of age for the year and got a place",
        "билет {ticket} не подходит по возрасту на этот год, а место получил",
        "{ticket} билеті бұл жылға жасы келмейді, бірақ орын алған",
    ),
    "capacity/full": (
        "group {name} has {size} places and {other} got in; ticket {ticket} is one too many",
        "в группе {name} мест {size}, а получили {other}; билет {ticket} лишний",
        "{name} тобында {size} орын бар, {other} бала алған; {ticket} билеті артық",
    ),
    "batch/split": (
        "ticket {ticket} moves together with others, and they were not placed together",
        "билет {ticket} идёт вместе с другими, а мест вместе они не получили",
        "{ticket} билеті басқалармен бірге жүреді, бірақ олар бірге орналаспаған",
    ),
    "sibling/passed": (
        "ticket {ticket} has a sibling in {name} and was passed there by {other}",
        "у билета {ticket} брат или сестра в {name}, а место там отдано билету {other}",
        "{ticket} билетінің {name} тобында бауыры бар, орын {other} билетіне берілген",
    ),
    "reserve/eaten": (
        "ticket {ticket} has a right to the reserve of {name}, which went to {other}",
        "билет {ticket} имеет право на резерв {name}, а он отдан билету {other}",
        "{ticket} билетінің {name} резервіне құқығы бар, ол {other} билетіне берілген",
    ),
    "envy/passed": (
        "ticket {ticket} would rather have {name}, which went to {other} behind it",
        "билет {ticket} предпочёл бы {name}, а место отдано билету {other}, стоящему позади",
        "{ticket} билетіне {name} қолайлырақ еді, орын артындағы {other} билетіне берілген",
    ),
    "waste/free": (
        "ticket {ticket} would rather have {name}, where a place stayed free",
        "билет {ticket} предпочёл бы {name}, где место осталось свободным",
        "{ticket} билетіне {name} қолайлырақ еді, онда орын бос қалған",
    ),
    "swap/none": (
        "ticket {ticket} is said to have swapped, and no ring of those who asked gives it this",
        "билет {ticket} будто бы обменялся, но круга просивших с таким местом нет",
        "{ticket} билеті алмасқан делінген, бірақ сұрағандар шеңбері оған бұл орынды бермейді",
    ),
    "swap/left": (
        "ticket {ticket} stands in a ring of those who asked to swap, and it was not resolved",
        "билет {ticket} стоит в круге просивших обмена, а круг не разрешён",
        "{ticket} билеті алмасуды сұрағандар шеңберінде тұр, ол шешілмеген",
    ),
    "outcome/differs": (
        "ticket {ticket} got {other}; by the rules it gets {expected}",
        "билет {ticket} получил {other}; по правилам положено {expected}",
        "{ticket} билеті {other} алған; ереже бойынша {expected} тиіс",
    ),
    "money/differs": (
        "ticket {ticket}: {other}; by the money of its direction it is {expected}",
        "билет {ticket}: {other}; по деньгам направления должно быть {expected}",
        "{ticket} билеті: {other}; бағыт ақшасы бойынша {expected} болуы тиіс",
    ),
    "money/beyond": (
        "ticket {ticket}: the vouchers of {name} go beyond its money",
        "билет {ticket}: ваучеры направления {name} превышают его деньги",
        "{ticket} билеті: {name} бағытының ваучерлері оның ақшасынан асады",
    ),
    "money/passed": (
        "ticket {ticket} got money of {name} though {other} before it was passed for want of it",
        "билет {ticket} получил ваучер {name}, хотя {other} впереди пропущен из-за денег",
        "{ticket} билеті {name} ваучерін алған, ал алдындағы {other} ақша жетпей қалып қойған",
    ),
    "reason/differs": (
        "ticket {ticket}: its {name} is told as {other}; it is {expected}",
        "билет {ticket}: {name} указано {other}, а верно {expected}",
        "{ticket} билеті: {name} {other} делінген, дұрысы {expected}",
    ),
    "stop/prefix": (
        "ticket {ticket} was issued after the stop: before it stands {other}, which is void",
        "билет {ticket} выдан после остановки: перед ним стоит аннулированный {other}",
        "{ticket} билеті тоқтатудан кейін берілген: алдында жарамсыз {other} тұр",
    ),
}
LANGUAGES = ("en", "ru", "kk")
HEADS = {
    "holds": ("holds", "всё верно", "бәрі дұрыс"),
    "broken": ("BROKEN", "НАРУШЕНО", "БҰЗЫЛҒАН"),
    "unusable": ("cannot check", "проверить нельзя", "тексеру мүмкін емес"),
    "unchecked": ("not checked", "не проверено", "тексерілмеді"),
}
UNCHECKED = {
    "openings": (
        "who stands before whom, age, language, kind and envy: only with --openings",
        "кто перед кем, возраст, язык, вид и зависть: только с --openings",
        "кім кімнің алдында, жасы, тілі, түрі, қызғаныш: тек --openings арқылы",
    ),
    "pool": (
        "groups that would tell a child's status are one pool: each apart only with openings",
        "группы, выдающие статус ребёнка, слиты в одну: порознь только с раскрытиями",
        "баланың мәртебесін аңғартатын топтар жария түрде біріктірілген: бөлек тек ашулармен",
    ),
    "unsigned": (
        "too small to be public: compare `whole` with the record's entry queue/run-proved",
        "распределение слишком мало для публикации: сравните `whole` с записью queue/run-proved",
        "үлестіру жариялауға тым аз: `whole` мәнін queue/run-proved жазбасымен салыстырыңыз",
    ),
    "truth": (
        "whether what families stated is true: that is for registers and papers",
        "правда ли то, что заявили семьи: это дело реестров и бумаг",
        "отбасылар айтқаны рас па: оны тізілімдер мен қағаздар көрсетеді",
    ),
    "between": (
        "why {count} planned places were not issued as planned: their entries in the record say so",
        "почему {count} мест выданы не по плану: об этом их записи в журнале",
        "жоспарланған {count} орын неге басқаша берілді: журнал жазбаларында",
    ),
    "beacon": (
        "that each seed is the beacon's value: compare with its source",
        "что каждое зерно есть значение маяка: сравните с источником",
        "әр тұқым маяктың мәні екені: дереккөзімен салыстырыңыз",
    ),
    "previous": (
        "the run before is not at hand: its carry and chain",
        "предыдущего распределения нет под рукой: его круг и цепь",
        "алдыңғы үлестіру қолда жоқ: айналымы мен тізбегі",
    ),
    "checkpoint": (
        "the queue's checkpoints are not at hand: give --queue",
        "контрольных точек очереди нет под рукой: дайте --queue",
        "кезектің бақылау нүктелері қолда жоқ: --queue беріңіз",
    ),
    "pack": (
        "that the rules shown are those of the pack: compare with the published pack",
        "что показанные правила взяты из пакета: сравните с опубликованным пакетом",
        "көрсетілген ережелер пакеттен алынғаны: жарияланған пакетпен салыстырыңыз",
    ),
    "ledger": (
        "that the ledger held these pots, and what a month costs: taken as the bundle says",
        "что деньги таковы, как в книге, и цена месяца: взято из пакета распределения",
        "қаржы кітаптағыдай екені және ай бағасы: үлестіру пакетінен алынды",
    ),
    "left": (
        "whether a run left somebody out who waited: no order before or after it is at hand",
        "не пропущен ли кто-то из ожидавших: нет порядка до распределения или после него",
        "күткендердің бірі қалып қоймады ма: үлестіруге дейінгі не кейінгі рет қолда жоқ",
    ),
    "changed": (
        "{changed} (`changed`) were in another category when the queue was last signed: ask why",
        "{changed} (`changed`) в последнем подписанном порядке были в другой категории: спросите",
        "{changed} билет (`changed`) соңғы қол қойылған ретте басқа санатта тұрған: сұраңыз",
    ),
    "unlisted": (
        "the run that the newest checkpoint came after: its files are not published yet",
        "распределение, после которого вышла новейшая точка: его файлы ещё не опубликованы",
        "ең соңғы нүктенің алдындағы үлестіру: оның файлдары әлі жарияланбаған",
    ),
    "hidden": (
        "runs with fewer than 5 applicants: they are not public",
        "распределения с менее чем 5 заявителями: они не публичны",
        "5-тен аз өтініші бар үлестірулер: олар жария емес",
    ),
}


def says(key, number=None, ticket=None, **facts):
    """Return what is broken, by a key of SENTENCES that begins with the word for programs."""
    facts = dict(facts, number=number, ticket=ticket)
    text = SENTENCES[key][0].format(**facts)
    return Broken(key.split("/")[0], text, number, ticket, key, facts)


def told(broken, language):
    """Return the sentence of what is broken in a language."""
    if broken.key is None:
        return str(broken)
    return SENTENCES[broken.key][LANGUAGES.index(language)].format(**broken.facts)


# --- Ed25519, from RFC 8032 section 5.1 and 6 -----------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    """Add two points of the curve in extended coordinates."""
    w, x = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    y, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = x - w, z - y, z + y, x + w
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_times(number, point):
    """Multiply a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = point_add(found, point)
        point, number = point_add(point, point), number >> 1
    return found


def point_read(raw):
    """Return the point that 32 bytes stand for; None where they stand for none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public, message, signature):
    """Tell whether a signature of a message is of a public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, point = point_read(public), point_read(signature[:32])
    number = int.from_bytes(signature[32:], "little")
    if key is None or point is None or number >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    other = point_add(point, point_times(int.from_bytes(digest, "little") % Q, key))
    mine = point_times(number, BASE)
    same_x = (mine[0] * other[2] - other[0] * mine[2]) % P == 0
    return same_x and (mine[1] * other[2] - other[1] * mine[2]) % P == 0


# --- signed notes and checkpoints -----------------------------------------------------------------


def read_keys(text):
    """Return {(name, number): public key} of lines name+number+base64."""
    keys = {}
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, number, packed = line.strip().split("+", 2)
            raw = base64.b64decode(packed, validate=True)
            expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex()
        except ValueError:
            raise Unusable("a line of the keys is not name+number+key") from None
        if len(raw) != 33 or raw[0] != 1 or number != expected:
            raise Unusable(f"the key {name} is not an Ed25519 key of that number")
        keys[name, bytes.fromhex(number)] = raw[1:]
    if not keys:
        raise Unusable("there is no key to check signatures with")
    return keys


class Checkpoint:
    """A signed end of the log: origin, size, root; where: how to name it to people."""

    def __init__(self, raw, keys, where):
        self.where = where
        try:
            text, _, signatures = raw.decode().rpartition("\n\n")
            lines = text.split("\n")
            self.origin, self.size = lines[0], int(lines[1])
            self.root = base64.b64decode(lines[2], validate=True)
            good = lines[1] == str(self.size) and self.size >= 0 and len(self.root) == 32
        except (ValueError, IndexError):
            good = False
        if not good or not self.origin:
            raise Broken("checkpoint", f"{where} is not a checkpoint")
        check_signatures(text + "\n", signatures, keys, where)


def check_signatures(text, signatures, keys, where):
    """At least one known key signed; none of them wrongly."""
    found = 0
    for line in signatures.split("\n"):
        if not line:
            continue
        parts = line.split(" ")
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except (IndexError, ValueError):
            raise says("signature/line", where=where) from None
        key = keys.get((parts[1], raw[:4]))
        if parts[0] != "\u2014" or len(parts) != 3:
            raise says("signature/line", where=where)
        if key is None:
            continue  # of a witness, or of a key that we do not know
        if not signed_by(key, text.encode(), raw[4:]):
            raise says("signature/false", where=where, name=parts[1])
        found += 1
    if not found:
        raise says("signature/unknown", where=where)


# --- the tree, RFC 6962 ---------------------------------------------------------------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf; it keeps the roots of whole subtrees only."""

    def __init__(self):
        self.size, self.tops = 0, []

    def add(self, top):
        """Add a leaf's hash; yield (tile level, number, hash) of nodes that became whole."""
        level = 0
        while self.size >> level & 1:
            top, level = node_hash(self.tops.pop(), top), level + 1
            if level % 8 == 0:
                yield level // 8, self.size >> level, top
        self.tops.append(top)
        self.size += 1

    def root(self):
        if not self.tops:
            return hashlib.sha256(b"").digest()
        top = self.tops[-1]
        for left in reversed(self.tops[:-1]):
            top = node_hash(left, top)
        return top


def root_by_path(number, size, top, path):
    """Return the root to which a path leads from a leaf's hash (RFC 9162, 2.1.3.2)."""
    last, path = size - 1, list(path)
    while path:
        if last == 0:
            return None
        beside = path.pop(0)
        if number & 1 or number == last:
            top = node_hash(beside, top)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            top = node_hash(top, beside)
        number, last = number >> 1, last >> 1
    return top if last == 0 else None


def check_consistency(old, new, path):
    """Tell whether a proof shows that the newer log begins with the old (RFC 9162, 2.1.4.2)."""
    if old.size == new.size:
        return not path and old.root == new.root
    if not 0 < old.size < new.size or not path:
        return False
    path = list(path)
    if old.size & (old.size - 1) == 0:
        path.insert(0, old.root)
    first, last = old.size - 1, new.size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            older, newer = node_hash(beside, older), node_hash(beside, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = node_hash(newer, beside)
        first, last = first >> 1, last >> 1
    return last == 0 and older == old.root and newer == new.root


# --- where the record lies ------------------------------------------------------------------------


class Place:
    """A folder, or an address below which the same files lie."""

    def __init__(self, name):
        self.name = name.rstrip("/")
        self.far = name.startswith(("http://", "https://"))
        if not self.far and not os.path.isdir(name):
            raise Unusable(f"{name} is neither a folder nor an address")

    def read(self, name):
        """Return a file, None where there is none."""
        if not self.far:
            try:
                with open(os.path.join(self.name, *name.split("/")), "rb") as file:
                    return file.read()
            except OSError:
                return None
        try:
            with urllib.request.urlopen(f"{self.name}/{name}", timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                return None
            raise

    def tile(self, level, number, width):
        """Return the hashes (or leaves) of a tile, as many as asked for."""
        groups = [f"{number % 1000:03d}"]
        rest = number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        name = f"tile/{level}/" + "/".join(groups)
        raw = self.read(name) if width == WIDTH else self.read(f"{name}.p/{width}")
        raw = self.read(name) if raw is None and width < WIDTH else raw
        if raw is None:
            return None
        size = 34 if level == "entries" else 32
        pieces = [raw[i : i + size] for i in range(0, width * size, size)]
        exact = len(raw) in (width * size, WIDTH * size) and len(pieces[-1]) == size
        if level == "entries":
            exact = exact and all(piece[:2] == b"\x00\x20" for piece in pieces)
            pieces = [piece[2:] for piece in pieces]
        return pieces if exact else None

    def inside(self, name):
        """Return a folder below this one; it need not be there."""
        found = Place.__new__(Place)
        found.far = self.far
        found.name = (
            f"{self.name}/{name}" if self.far else os.path.join(self.name, *name.split("/"))
        )
        return found

    def above(self, steps):
        """Return the folder so many steps above; None where an address has no such part."""
        found = Place.__new__(Place)
        found.far, found.name = self.far, self.name
        if not self.far:
            found.name = os.path.normpath(os.path.join(os.path.abspath(self.name), *[".."] * steps))
            return found
        for _ in range(steps):
            found.name = found.name.rpartition("/")[0]
        return found if found.name.count("/") >= 2 else None

    def kept(self):
        """Yield (name, content) of the checkpoints that lie in a folder."""
        folder = os.path.join(self.name, "checkpoints")
        if not self.far and os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
                if not name.startswith("."):
                    yield "checkpoints/" + name, self.read("checkpoints/" + name)


def known_keys(place, named):
    """Return the keys to check with: one's own file, or those of the record itself, said aloud."""
    if named:
        with open(named, encoding="utf-8") as file:
            return read_keys(file.read())
    raw = place.read("keys")
    if raw is None:
        raise Unusable("no keys: give --keys FILE")
    print("note: keys taken from the record itself; keep them and give --keys", file=sys.stderr)
    return read_keys(raw.decode("utf-8", "replace"))


# --- log and bundle -------------------------------------------------------------------------------


def checkpoints(place, keys, own):
    """Return all checkpoints by size, the newest and those kept; each signed, none forked."""
    raw = place.read("checkpoint")
    if raw is None:
        raise Broken("checkpoint", "there is no checkpoint")
    newest = Checkpoint(raw, keys, "checkpoint")
    every = [newest]
    every += [Checkpoint(content, keys, name) for name, content in place.kept()]
    for name in own:
        with open(name, "rb") as file:
            every.append(Checkpoint(file.read(), keys, name))
    by_size = {}
    for one in sorted(every, key=lambda c: c.size):
        other = by_size.setdefault(one.size, one)
        if one.origin != newest.origin:
            raise Broken("origin", f"{one.where} is of another log, {one.origin}")
        if other.root != one.root:
            text = f"two logs of {one.size} entries: {other.where} and {one.where}"
            raise Broken("fork", text, one.size)
        if one.size > newest.size:
            text = f"{one.where} has {one.size} entries, the newest {newest.size}: the log was cut"
            raise Broken("cut", text, newest.size)
    return newest, by_size


def check_log(place, keys, own, opened=None):
    """Check everything there is, entry by entry; opened: a function that checks an entry's text."""
    newest, by_size = checkpoints(place, keys, own)
    tree, uppers = Tree(), {}
    last_good = 0
    if 0 in by_size and by_size[0].root != tree.root():
        raise Broken("root", f"{by_size[0].where}: an empty log has another root", 0)
    for tile in range((newest.size + WIDTH - 1) // WIDTH):
        first = tile * WIDTH
        width = min(WIDTH, newest.size - first)
        leaves, hashes = place.tile("entries", tile, width), place.tile("0", tile, width)
        if leaves is None or hashes is None:
            text = f"entries {first} to {first + width - 1} are missing or unreadable"
            raise Broken("tile", text, first)
        for offset, leaf in enumerate(leaves):
            number = first + offset
            if opened is not None:
                opened(number, leaf)
            if leaf_hash(leaf) != hashes[offset]:
                raise Broken("leaf", f"entry {number} is not what its tile says", number)
            for level, index, top in tree.add(hashes[offset]):
                check_upper(place, uppers, newest.size, level, index, top)
            known = by_size.get(number + 1)
            if known is not None:
                if known.root != tree.root():
                    text = (
                        f"{known.where} does not fit: entries {last_good} to {number} were changed"
                    )
                    raise Broken("root", text, last_good)
                last_good = number + 1
    return newest, len(by_size)


def check_upper(place, uppers, size, level, index, top):
    """Check a node of an upper tile against what lies below it."""
    tile, offset = divmod(index, WIDTH)
    if (level, tile) not in uppers:
        width = min(WIDTH, (size >> 8 * level) - tile * WIDTH)
        uppers[level, tile] = place.tile(str(level), tile, width)
    hashes = uppers[level, tile]
    if hashes is None or hashes[offset] != top:
        first = index << 8 * level
        last = first + (1 << 8 * level) - 1
        raise Broken("tile", f"tile {level}/{tile} does not fit entries {first} to {last}", first)


# --- opened entries -------------------------------------------------------------------------------


def read_b64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def show_b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def digest_of(opened):
    """Return the digest of an opened entry: salt, name, text, and what was written with it."""
    attached = opened.get("attached")
    if attached is None:
        rest = read_b64(opened["attached_digest"])
    else:
        rest = hashlib.sha256(attached.encode()).digest()
    name = hashlib.sha256("\n".join(opened["name"]).encode()).digest()
    body = hashlib.sha256(opened["body"].encode()).digest()
    return hashlib.sha256(
        b"kezek/entry/1\n" + read_b64(opened["salt"]) + name + body + rest
    ).digest()


class Bundle:
    """An auditor's copy: a line per entry in the log's order, each naming the one before it."""

    def __init__(self, file):
        self.file, self.last, self.unchained = file, {}, 0

    def chain(self, number, opened, digest):
        pk, sk = opened["name"]
        if pk.startswith("EVIDENCE#"):
            return  # an upload; its records are chained by the tablet itself
        told = json.loads(opened["body"])
        if told["stream"] != pk or f"{told['sequence']:012d}" != sk:
            raise Broken("name", f"entry {number} stands under another's name", number)
        last, ended = self.last.get(pk, (None, False))
        before = told.get("before", "unchained")
        if before == "unchained":
            self.unchained += 1
            good = last is None
        elif before == "first":
            good = last is None or ended
        else:
            good = before == last
        if not good:
            text = f"entry {number} of {pk} follows {before}, not {last}: some are missing or moved"
            raise Broken("chain", text, number)
        head = f"{told['sequence']}:{show_b64(digest)}"
        self.last[pk] = (head, bool(told.get("ends")))

    def __call__(self, number, leaf):
        line = self.file.readline()
        if not line:
            raise Broken("missing", f"entry {number} has no opening", number)
        try:
            opened = json.loads(line)
            if opened["number"] != number:
                text = f"opening {opened['number']} stands where entry {number} should be"
                raise Broken("order", text, number)
            if opened.get("lost"):
                raise Broken("missing", f"entry {number} is not in the journal any more", number)
            digest = digest_of(opened)
            if digest != leaf:
                raise Broken("entry", f"entry {number} is not what the log holds", number)
            self.chain(number, opened, digest)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Broken("entry", f"the opening of entry {number} cannot be read", number) from None

    def end(self):
        if self.file.readline():
            raise Broken("order", "there are more openings than entries")


def check_entry(opened, keys):
    """Check one opened entry: its digest, its place in the log, the one before it, its fields."""
    checkpoint = Checkpoint(opened["checkpoint"].encode(), keys, "the entry's checkpoint")
    number, digest = opened["number"], digest_of(opened)
    told = json.loads(opened["body"])
    if read_b64(opened["proof"]["digest"]) != digest or opened["proof"]["number"] != number:
        raise Broken("entry", f"entry {number} is not what the log holds", number)
    proofs = [opened["proof"]]
    before = told.get("before", "") if not opened["name"][0].startswith("EVIDENCE#") else ""
    if opened.get("previous"):
        proofs.append(opened["previous"])
        if before.partition(":")[2] != opened["previous"]["digest"]:
            raise Broken("chain", f"entry {number} follows another than is shown", number)
        if opened["previous"]["number"] >= number:
            raise Broken("chain", f"entry {number} stands before the one it follows", number)
    elif ":" in before:
        raise Broken("chain", f"the entry before entry {number} is not shown", number)
    for proof in proofs:
        top = leaf_hash(read_b64(proof["digest"]))
        path = [base64.b64decode(one, validate=True) for one in proof["path"]]
        if proof["number"] >= checkpoint.size or (
            root_by_path(proof["number"], checkpoint.size, top, path) != checkpoint.root
        ):
            text = f"entry {proof['number']} does not stand in the log"
            raise Broken("inclusion", text, proof["number"])
    for name, field in sorted((opened.get("fields") or {}).items()):
        made = hmac.new(read_b64(field["key"]), field["value"].encode(), hashlib.sha256).digest()
        if told["facts"].get("commitments", {}).get(name) != show_b64(made):
            raise Broken("field", f"{name} is not what entry {number} committed to", number)
    return checkpoint


# --- reading what may be anything -----------------------------------------------------------------

FILE_MAX = 1 << 30
ID = re.compile(r"[A-Za-z0-9._~-]{1,200}\Z")
B64 = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")


def unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def whole(text):
    if len(text) > 19:
        raise ValueError("a number too long")
    return int(text)


def no_number(text):
    raise ValueError(f"{text} is no whole number")


STRICT = json.JSONDecoder(
    object_pairs_hook=unique, parse_int=whole, parse_float=no_number, parse_constant=no_number
)


def parse_json(raw, where):
    """Return what JSON says: whole numbers only, no name twice. Raises Unusable."""
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        return STRICT.decode(text)
    except (ValueError, RecursionError, MemoryError):
        raise Unusable(f"{where} is not JSON that can be read") from None


def canonical(told):
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


CHECKS = {
    "int": is_int,
    "count": lambda v: is_int(v) and v >= 0,
    "str": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "id": lambda v: isinstance(v, str) and ID.match(v) is not None,
    "b32": lambda v: isinstance(v, str) and plain_b64(v, 32) is not None,
    "b16": lambda v: isinstance(v, str) and plain_b64(v, 16) is not None,
    "time": lambda v: isinstance(v, str) and instant(v) is not None,
    # Whoever counts again goes through each turn and each place: no more than there can be.
    "turns": lambda v: is_int(v) and 0 <= v <= 100,
    "seats": lambda v: is_int(v) and v <= 100000,
    "any": lambda v: True,
}


def misshapen(value, shape, name=""):
    """Return the name of the first part that is not of a shape; None when all is."""
    if isinstance(shape, str):
        good = (value is None) if shape.endswith("?") and value is None else None
        good = CHECKS[shape.rstrip("?")](value) if good is None else good
        return None if good else name or "the whole"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return name
        for one in value:
            wrong = misshapen(one, shape[0], name)
            if wrong:
                return wrong
        return None
    if not isinstance(value, dict):
        return name or "the whole"
    for key, inner in shape.items():
        wrong = key if key not in value else misshapen(value[key], inner, key)
        if wrong:
            return wrong
    return None


def plain_b64(text, size=None):
    """Return the bytes of base64 with its padding, None where it is none or of another size."""
    try:
        raw = base64.b64decode(text, validate=True) if B64.match(text) else None
    except ValueError:
        return None
    if raw is None or (size is not None and len(raw) != size):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def digest_b64(raw):
    return base64.b64encode(hashlib.sha256(raw).digest()).decode()


INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)


def instant(text):
    """Return an instant of RFC 3339 as microseconds; None where it is none."""
    if not INSTANT.match(text):
        return None
    body, zone = (text[:-1], "+00:00") if text.endswith("Z") else (text[:-6], text[-6:])
    day, _, fraction = body.partition(".")
    try:
        at = datetime.datetime.fromisoformat(day + zone)
    except ValueError:
        return None
    whole_seconds = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (whole_seconds.days * 86400 + whole_seconds.seconds) * 10**6 + int(f"{fraction:0<6}")


def read_file(name):
    """Return the bytes of a file that somebody named. Raises Unusable, OSError."""
    if os.path.getsize(name) > FILE_MAX:
        raise Unusable(f"{name} is too large")
    with open(name, "rb") as file:
        return file.read()


# --- the notes of queues and runs -----------------------------------------------------------------

QUEUE_LINES = ("number", "as-of", "order", "pack", "run", "previous")
RUN_LINES = ("run", "bundle", "previous")
RECEIPT_LINES = (*("ticket", "programme", "area", "received", "category", "pack", "salt"),)


class Note:
    """A signed text: its kind and whose it is, from the first line; its other lines by name."""

    def __init__(self, raw, keys, where, kind):
        self.where = where
        try:
            text, _, signatures = raw.decode().rpartition("\n\n")
        except UnicodeDecodeError:
            text = signatures = ""
        if not text or not signatures or "\r" in text:
            raise says("note/unreadable", where=where)
        self.text = text + "\n"
        lines = text.split("\n")
        parts = lines[0].split("/")
        if len(parts) != (3 if kind == "receipt" else 5) or parts[0] != "kezek" or parts[2] != kind:
            raise says("note/kind", where=where, name=lines[0][:80])
        check_signatures(self.text, signatures, keys, where)
        self.stage, self.queue = parts[1], "/".join(parts[3:])
        self.digest = digest_b64(self.text.encode())
        names = {"queue": QUEUE_LINES, "run": RUN_LINES, "receipt": RECEIPT_LINES}[kind]
        self._read(lines[1:], names, kind)

    def _read(self, lines, names, kind):
        if kind != "receipt":
            size = whole_number(lines[0]) if lines else None
            root = plain_b64(lines[1], 32) if len(lines) > 1 else None
            if size is None or root is None:
                raise says("note/unreadable", where=self.where)
            self.size, self.root, lines = size, root, lines[2:]
        if len(lines) != len(names):
            raise says("note/unreadable", where=self.where)
        self.lines = {}
        for line, name in zip(lines, names):
            first, gap, rest = line.partition(" ")
            if first != name or not gap or not rest:
                bad = "receipt/fields" if kind == "receipt" else "note/unreadable"
                raise says(bad, where=self.where, name=name)
            self.lines[name] = rest
        good = {
            "number": whole_number,
            "category": whole_number,
            "as-of": instant,
            "received": instant,
            "order": lambda text: plain_b64(text, 32),
            "bundle": lambda text: plain_b64(text, 32),
            "previous": lambda text: text == "-" or plain_b64(text, 32),
            "salt": lambda text: plain_b64(text, 16),
            "run": ID.match,
            "ticket": ID.match,
        }
        for name, text in self.lines.items():
            if name in good and good[name](text) in (None, False):
                bad = "receipt/fields" if kind == "receipt" else "note/unreadable"
                raise says(bad, where=self.where, name=name)

    def __getitem__(self, name):
        return self.lines[name]

    def must_be_of(self, queue):
        """Refuse a note that is of another programme and area."""
        if self.queue != queue:
            raise says("note/another", where=self.where, name=self.queue, expected=queue)


def whole_number(text):
    """Return a whole number from its one way of writing, None where it is none."""
    return int(text) if re.match(r"(0|[1-9][0-9]{0,17})\Z", text) else None


def root_of(leaves):
    tree = Tree()
    for leaf in leaves:
        for _ in tree.add(leaf_hash(leaf)):
            pass
    return tree.root()


def queue_leaf(salt, text):
    return hashlib.sha256(b"kezek/queue/1\n" + salt + text.encode()).digest()


def input_leaf(salt, text):
    return hashlib.sha256(b"kezek/run/1\n" + salt + text.encode()).digest()


def drawn_number(seed, ticket):
    """Return the number that a draw gives a ticket (docs/queue-draw.md)."""
    return hashlib.sha256(f"kezek-draw-v1\n{seed}\n{ticket}".encode()).hexdigest()


# --- a queue's published orders -------------------------------------------------------------------

INDEX = {
    "area": "id",
    "programme": "id",
    "checkpoints": [{"number": "count", "as_of": "time", "size": "count", "run": "str?"}],
    "runs": [{"run_id": "id", "ended_at": "time"}],
}
LIST = {
    "as_of": "str",
    "number": "count",
    "cells": [{"categories": ["int"], "waiting": "int"}],
    "lines": [{"cell": "int", "intake": "id?", "place": "int?", "ticket": "id"}],
}
PUBLIC_LEAST = 5
SETTLED = 15 * 60 * 10**6  # longer than an order or a run is read, in microseconds


class Queue:
    """The folder or address of one queue: its index and what was found to hold of it."""

    def __init__(self, place, keys):
        self.place, self.keys = place, keys
        raw = place.read("index.json")
        if raw is None:
            raise Unusable(f"{place.name} has no index.json")
        try:
            self.index = parse_json(raw, "index.json")
        except Unusable:
            raise says("index/unreadable") from None
        if misshapen(self.index, INDEX):
            raise says("index/unreadable")
        self.name = self.index["programme"] + "/" + self.index["area"]
        self.notes, self.compared, self.unlisted = [], True, set()

    def note(self, number):
        """Return the note of a checkpoint, signed and of this queue."""
        where = f"{number}/note"
        raw = self.place.read(where)
        if raw is None:
            raise says("number/missing", number=number)
        note = Note(raw, self.keys, where, "queue")
        note.must_be_of(self.name)
        if note["number"] != str(number):
            raise says("number/differs", number=number, other=note["number"])
        return note

    def check(self, kept=()):
        """Check everything published of the queue. kept: notes of one's own, from earlier days."""
        listed, lists = self.index["checkpoints"], []
        self.check_runs()
        draws = self.draws
        before = None
        for number, told_of in enumerate(listed, 1):
            if told_of["number"] != number:
                raise says("number/missing", number=number)
            note = self.note(number)
            if before is not None and note.stage != before.stage:
                raise says("note/another", where=note.where, name=note.stage, expected=before.stage)
            if note["previous"] != (before.digest if before else "-"):
                raise says("chain/queue", number=number)
            if before is not None and instant(note["as-of"]) < instant(before["as-of"]):
                raise says("time/queue", number=number)
            run = None if note["run"] == "-" else note["run"]
            if (told_of["as_of"], told_of["size"]) != (note["as-of"], note.size) or (
                told_of["run"] or None
            ) not in (run, note["run"]):
                raise says("index/differs", number=number)
            lists = [*lists[-2:], self.check_list(number, note, draws)]
            self.check_entry(number, note)
            self.check_named(number, run, lists)
            self.notes.append(note)
            before = note
        for name, raw in kept:
            self.check_kept(name, raw)
        for run in self.runs:
            self.compared &= check_left_out(run, self)
        return self

    def order(self, number):
        """Return the note and the public list of a checkpoint, as they were signed."""
        note = self.note(number)
        listed = [line for line in self.index["checkpoints"] if line["number"] == number]
        if not listed or listed[0]["as_of"] != note["as-of"]:
            raise says("index/differs", number=number)
        raw = self.place.read(f"{number}/order.json")
        if raw is None or digest_b64(raw) != note["order"]:
            raise says("list/digest", number=number)
        shown = parse_json(raw, "order.json")
        if misshapen(shown, LIST):
            raise says("list/unreadable", number=number)
        return note, shown

    def leaves(self, number, note):
        """Return the leaves of a checkpoint, which make the root that was signed."""
        where = f"{number}/leaves"
        packed = self.place.read(where)
        if packed is None:
            raise says("missing/file", number=number, where=where)
        leaves = [plain_b64(line, 32) for line in packed.decode("ascii", "replace").split()]
        if len(leaves) != note.size:
            raise says("root/size", number=number, where=where, other=len(leaves), size=note.size)
        if None in leaves or root_of(leaves) != note.root:
            raise says("root/leaves", number=number, where=where)
        return leaves

    def check_kept(self, name, raw):
        mine = Note(raw, self.keys, name, "queue")
        if mine.queue != self.name:
            return
        number = int(mine["number"])
        if number > len(self.notes):
            raise says("replay/kept", where=name, number=number, other=len(self.notes))
        if number < 1 or self.notes[number - 1].digest != mine.digest:
            raise says("fork/kept", where=name, number=number)

    def check_list(self, number, note, draws):
        """Check the leaves and the public lines of a checkpoint."""
        where = f"{number}/order.json"
        raw = self.place.read(where)
        if raw is None:
            raise says("missing/file", number=number, where=where)
        if digest_b64(raw) != note["order"]:
            raise says("list/digest", number=number)
        self.leaves(number, note)
        where = f"{number}/order.json"
        try:
            shown = parse_json(raw, where)
        except Unusable:
            raise says("list/unreadable", number=number) from None
        if misshapen(shown, LIST):
            raise says("list/unreadable", number=number)
        if shown["number"] != number or shown["as_of"] != note["as-of"]:
            raise says("lines/number", number=number)
        check_lines(number, shown, note.size, draws)
        return {line["ticket"] for line in shown["lines"]}

    def check_named(self, number, run, lists):
        """Check that the run a checkpoint came after is public, where it must be.

        Whoever stands in this list and in the two before it waited through the run: with five of
        those it was not too small to be public. Of the newest checkpoint's its files may yet come.
        """
        if run is None or run in [one.bundle["run_id"] for one in self.runs]:
            return
        if number == len(self.index["checkpoints"]):
            self.unlisted.add("unlisted")
        elif number > 1 and len(set.intersection(*lists)) >= PUBLIC_LEAST:
            raise says("missing/run", number=number, name=run)
        else:
            self.unlisted.add("hidden")

    def check_entry(self, number, note):
        """Check that the record's log holds this checkpoint, where it says so."""
        raw = self.place.read(f"{number}/entry")
        if raw is None:
            return
        try:
            opened = parse_json(raw, "entry")
            check_entry(opened, self.keys)
            body = json.loads(opened["body"])
            facts = body["facts"]
            said = [facts["number"], facts["root"], facts["size"], facts["note"]]
            event = body["event"]
        except (Unusable, ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise says("entry/broken", number=number) from None
        root = base64.b64encode(note.root).decode()
        if event != "queue/checkpoint-published" or said != [number, root, note.size, note.digest]:
            raise says("entry/another", number=number)

    def check_runs(self):
        """Check the public bundles that lie here, one after the other; take their seeds."""
        self.runs, self.draws = [], Draws()
        ended = None
        for line in self.index["runs"]:
            if ended is not None and instant(line["ended_at"]) < ended:
                raise says("index/unreadable")
            ended = instant(line["ended_at"])
            folder = self.place.inside("runs/" + line["run_id"])
            for name in ("note", "bundle.json"):
                if folder.read(name) is None:
                    raise says("missing/file", where=f"runs/{line['run_id']}/{name}")
            run = Run(folder, self.keys)
            run.note.must_be_of(self.name)
            if run.bundle["run_id"] != line["run_id"]:
                raise says("bundle/fields", name="run_id")
            run.follows(self.runs[-1] if self.runs else None)
            self.runs.append(run)
            self.draws.add(run.bundle["seeds"])


class Draws:
    """What the lists tell of drawn intakes: seeds, and which tickets were known before the draw.

    rows: of bundles, by intake. A list counts as known beforehand when it is of after the intake
    closed and before its beacon; without both instants nothing is said.
    """

    def __init__(self):
        self.rows, self.known = {}, {}

    def add(self, rows):
        """Take the seeds of a run; two for one intake are refused."""
        for row in rows:
            other = self.rows.setdefault(row["intake"], row)
            if other["seed"] != row["seed"]:
                raise says("seed/differs", name=row["intake"])

    def window(self, intake):
        """Return when an intake closed and when its beacon came, None where it is not told."""
        source = (self.rows.get(intake) or {}).get("source")
        if not isinstance(source, dict):
            return None
        ends = [source.get("closes_at"), source.get("beacon_at")]
        ends = [instant(end) if isinstance(end, str) else None for end in ends]
        return None if None in ends else ends

    def learn(self, as_of, lines):
        """Note which tickets a list named after its intake had closed, before its draw."""
        for line in lines:
            window = self.window(line["intake"]) if line["intake"] is not None else None
            if window and window[0] <= instant(as_of) < window[1]:
                self.known.setdefault(line["intake"], set()).add(line["ticket"])

    def check_late(self, intake, ticket, number=None):
        """Refuse a ticket of a drawn intake that no list named before the draw."""
        if ticket not in self.known.get(intake, (ticket,)):
            raise says("late/ticket", number=number, ticket=ticket)

    def check(self, number, shown):
        """Check a list: nobody came late, and those who are drawn stand by their numbers."""
        self.learn(shown["as_of"], shown["lines"])
        last = {}
        for line in shown["lines"]:
            intake = line["intake"]
            if intake is None:
                continue
            window = self.window(intake)
            if window and instant(shown["as_of"]) >= window[1]:
                self.check_late(intake, line["ticket"], number)
            drawn = line["place"] or (window and instant(shown["as_of"]) >= window[1])
            if intake not in self.rows or not drawn:
                continue
            mine = drawn_number(self.rows[intake]["seed"], line["ticket"])
            if last.get((line["cell"], intake), "") > mine:
                raise says("draw/public", number=number, ticket=line["ticket"])
            last[line["cell"], intake] = mine


def check_lines(number, shown, size, draws):
    """Check the public lines of a checkpoint: counts, cells, places, tickets."""
    cells, lines = shown["cells"], shown["lines"]
    if not lines:
        if cells:
            raise says("small/count", number=number, other=cells[0]["waiting"], size=0)
        if size < PUBLIC_LEAST:
            raise says("small/blank", number=number, size=size)
        return
    if len(lines) != size:
        raise says("lines/count", number=number, other=len(lines), size=size)
    seen = set()
    counted, by_ticket = [0] * (len(cells) + 1), {}
    last = 1
    for line in lines:
        ticket, cell = line["ticket"], line["cell"]
        if ticket in seen:
            raise says("lines/twice", number=number, ticket=ticket)
        seen.add(ticket)
        if not last <= cell <= len(cells):
            raise says("lines/cell", number=number, ticket=ticket)
        last = cell
        counted[cell] += 1
        # Where categories stand together, and before a draw, a line has no place: there tickets
        # stand by what everybody can count, the drawn number or the ticket itself.
        merged = len(cells[cell - 1]["categories"]) > 1
        unplaced = line["place"] is None and (merged or line["intake"] is not None)
        if not unplaced and (merged or line["place"] != counted[cell]):
            raise says(
                "lines/place",
                number=number,
                ticket=ticket,
                other=line["place"],
                expected=counted[cell],
            )
        if merged and line["intake"] is None:
            if by_ticket.get(cell, "") > ticket:
                raise says("lines/cell", number=number, ticket=ticket)
            by_ticket[cell] = ticket
    known = [category for cell in cells for category in cell["categories"]]
    if known != sorted(set(known)) or not all(cell["categories"] for cell in cells):
        raise says("small/count", number=number, other=len(known), size=len(set(known)))
    for cell, count in zip(cells, counted[1:]):
        if count < PUBLIC_LEAST:
            raise says("small/cell", number=number, other=count)
        if cell["waiting"] != count:
            raise says("small/count", number=number, other=cell["waiting"], size=count)
    draws.check(number, shown)


# --- a run's public bundle ------------------------------------------------------------------------

BUNDLE = {
    "format": "str",
    "run_id": "id",
    "programme": "id",
    "area": "id",
    "academic_year": "int",
    "pack": "str",
    "pack_sha256": "str",
    "engine": "str",
    "state": "str",
    "mode": "str",
    "proposed_at": "time",
    "released_at": "time?",
    "ended_at": "time",
    "order": {
        "ages_apart": "bool",
        "categories": ["any"],
        "first_count": "turns",
        "lanes": [{"cohort": "int", "tiers": ["str"]}],
        "movers": "bool",
        "reading": "str",
        "reserve_per_mille": "count",
        "siblings_first": "bool",
        "swaps": "bool",
        "then_count": "turns",
        "tiers": ["str"],
        "waiting_lists_max": "count",
    },
    "seeds": [{"intake": "id", "seed": "str", "source": "any"}],
    "carry_before": "any",
    "carry_after": "any",
    "money": "any",
    "places": [
        {
            "age_from": "int",
            "age_to": "int",
            "free": "seats",
            "group_id": "id",
            "kind": "str",
            "language": "str",
            "awaited": "seats",
        }
    ],
    "leaves": ["b32"],
    "outcomes": [{"from": "id?", "group_id": "id?", "settled": "str", "ticket": "id", "to": "id?"}],
    "cells": [{"categories": ["int"], "vouchers": "count?", "waiting": "count?"}],
    "checkpoint": "any",
    "previous": "b32?",
}
MONEY = {
    "pots": [{"direction": "str", "free_tiyn": "int?"}],
    "month_tiyn": "count",
    "sen_month_tiyn": "count",
    "first": "str",
    "last": "str",
}
MOVED = ("moved", "swapped")
POOL = "pool"
HIDDEN = ("carry_before", "carry_after", "money", "places", "outcomes")
ENGINES = ("places-2", "funding-1")


class Run:
    """A run as it is public. Everything that can be checked without openings is, on reading."""

    def __init__(self, place, keys):
        raw_note, raw = place.read("note"), place.read("bundle.json")
        for name, content in (("note", raw_note), ("bundle.json", raw)):
            if content is None:
                raise Unusable(f"{place.name} has no {name}")
        self.note = Note(raw_note, keys, "note", "run")
        if digest_b64(raw) != self.note["bundle"]:
            raise says("bundle/digest")
        self.digest, self.queue = self.note["bundle"], self.note.queue
        self.take(raw)
        if not plain_b64(self.bundle.get("whole") or "", 32):
            raise says("bundle/fields", name="whole")

    @classmethod
    def of_auditor(cls, raw):
        """Return a run from the auditor's copy alone: one that is too small to be public."""
        run = cls.__new__(cls)
        run.note, run.digest = None, None
        run.take(raw)
        run.queue = run.bundle["programme"] + "/" + run.bundle["area"]
        return run

    def take(self, raw):
        """Check a bundle, the public one or an auditor's."""
        try:
            self.bundle = parse_json(raw, "bundle.json")
        except Unusable:
            raise says("bundle/fields", name="JSON") from None
        self.check_fields()
        self.check_rules()
        self.check_outcomes()
        self.check_cells()

    def open_whole(self, text):
        """Go on with the auditor's bundle: the one named, and saying no other than in public."""
        raw = text.encode("utf-8", "surrogatepass")
        shown = self.bundle
        if digest_b64(raw) != shown["whole"]:
            raise says("whole/digest")
        places = {place["group_id"] for place in shown["places"]}
        self.take(raw)
        for name in BUNDLE:
            if name not in HIDDEN and self.bundle[name] != shown[name]:
                raise says("whole/differs", name=name)
        for name in ("carry_before", "carry_after"):
            if any(self.bundle[name].get(key) != turn for key, turn in shown[name].items()):
                raise says("whole/differs", name=name)
        self.check_hidden(shown, places)

    def check_hidden(self, shown, places):
        """Check that what is joined or left out in public is so in the auditor's, and no more."""
        if (shown["money"] is None) != (self.bundle["money"] is None):
            raise says("whole/differs", name="money")
        if shown["money"] is not None:
            mine = dict(self.bundle["money"])
            mine["pots"] = [dict(pot, free_tiyn=None) for pot in mine["pots"]]
            if shown["money"] not in (mine, self.bundle["money"]):
                raise says("whole/differs", name="money")
        pool = [place for name, place in self.places.items() if name not in places]
        kept = [place for name, place in self.places.items() if name in places]
        joined = [place for place in shown["places"] if place["group_id"] not in self.places]
        free = sum(place["free"] for place in pool)
        if [place for place in shown["places"] if place["group_id"] in self.places] != kept or (
            [(place["group_id"], place["free"]) for place in joined]
            != ([(POOL, free)] if POOL in places else [])
        ):
            raise says("whole/differs", name="places")
        for mine, public in zip(self.bundle["outcomes"], shown["outcomes"]):
            for name in ("ticket", "settled", "group_id", "from", "to"):
                said = mine[name]
                if name not in ("ticket", "settled") and said is not None and POOL in places:
                    said = said if said in places else public[name] and POOL
                if said != public[name] and not (
                    name in ("from", "to", "group_id")
                    and mine[name] not in self.places
                    and mine[name] == public[name]
                ):
                    raise says("whole/outcome", ticket=mine["ticket"], name=name)

    def check_fields(self):
        bundle, note = self.bundle, self.note
        wrong = misshapen(bundle, BUNDLE)
        for name, good in (
            ("format", ("kezek/run/1",)),
            ("state", ("committed", "stopped")),
        ):
            if not wrong and bundle[name] not in good:
                wrong = name
        if not wrong and bundle["money"] is not None:
            wrong = misshapen(bundle["money"], MONEY, "money")
        if not wrong and bundle["checkpoint"] is not None:
            wrong = misshapen(
                bundle["checkpoint"], {"note": "b32", "number": "count"}, "checkpoint"
            )
        if wrong:
            raise says("bundle/fields", name=wrong)
        self.leaves = [plain_b64(leaf) for leaf in bundle["leaves"]]
        if note is not None:
            self.check_note()
        moments = [bundle["proposed_at"], bundle["released_at"], bundle["ended_at"]]
        moments = [instant(at) for at in moments if at is not None]
        if moments != sorted(moments):
            raise says("time/run")

    def check_note(self):
        """Check that the note is of this bundle."""
        bundle, note = self.bundle, self.note
        note.must_be_of(bundle["programme"] + "/" + bundle["area"])
        if note["run"] != bundle["run_id"]:
            raise says("bundle/fields", name="run_id")
        if (bundle["previous"] or "-") != note["previous"]:
            raise says("chain/run", name=bundle["run_id"])
        if len(self.leaves) != note.size:
            raise says("root/size", where="bundle.json", other=len(self.leaves), size=note.size)
        if root_of(self.leaves) != note.root:
            raise says("root/leaves", where="bundle.json")

    def check_rules(self):
        """Check that the rules of order are such as can be followed."""
        order = self.bundle["order"]
        wrong = None
        self.categories = {}
        for row in order["categories"]:
            good = isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)
            if not good or not is_int(row[1]) or not is_int(row[2]):
                raise says("bundle/fields", name="categories")
            self.categories[row[0], row[1]] = row[2]
        standing = [(tier, lane["cohort"]) for lane in order["lanes"] for tier in lane["tiers"]]
        if len(set(standing)) != len(standing) or not order["first_count"]:
            wrong = "lanes"
        if set(standing) - set(self.categories) or len(self.categories) != len(order["categories"]):
            wrong = "categories"
        if len(set(self.categories.values())) != len(self.categories):
            wrong = "categories"
        for lane in order["lanes"]:
            if not 1 <= len(lane["tiers"]) <= 2 or not set(lane["tiers"]) <= set(order["tiers"]):
                wrong = "lanes"
        cohorts = [lane["cohort"] for lane in order["lanes"]]
        runs = sum(1 for one, other in zip(cohorts, cohorts[1:]) if one != other) + bool(cohorts)
        if order["ages_apart"] and runs != len(set(cohorts)):
            wrong = "ages_apart"  # a cohort with places of its own is served in one go
        if order["reading"] not in ("interleave", "reserve") or not order["then_count"]:
            wrong = "reading"
        if order["reserve_per_mille"] > 1000:
            wrong = "reserve_per_mille"
        self.round = order["first_count"] + order["then_count"]
        self.before, self.after = {}, {}
        for name, found in (("carry_before", self.before), ("carry_after", self.after)):
            said = self.bundle[name]
            for cohort, turn in said.items() if isinstance(said, dict) else [("", -1)]:
                if whole_number(cohort) is None or not is_int(turn) or not 0 <= turn < self.round:
                    wrong = name
                    break
                found[int(cohort)] = turn
        if wrong:
            raise says("rules/order", name=wrong)
        self.seeds = {}
        for row in self.bundle["seeds"]:
            hexed = re.match(r"([0-9a-f]{2}){16,64}\Z", row["seed"])
            if not hexed or row["intake"] in self.seeds:
                raise says("seed/form", name=row["intake"])
            self.seeds[row["intake"]] = row["seed"]

    def check_outcomes(self):
        """Check places and outcomes: sorted, once, of groups that exist, no group overfull."""
        bundle = self.bundle
        self.places, last = {}, ""
        for place in bundle["places"]:
            name = place["group_id"]
            if name <= last or place["free"] < 0 or place["age_from"] > place["age_to"]:
                raise says("places/order", name=name)
            self.places[name], last = place, name
        outcomes, last = bundle["outcomes"], ""
        if len(outcomes) != len(self.leaves):
            raise says("outcomes/count", other=len(outcomes), size=len(self.leaves))
        came, left, self.moved = {}, {}, 0
        for outcome in outcomes:
            ticket, settled = outcome["ticket"], outcome["settled"]
            if ticket <= last:
                raise says("outcomes/order", ticket=ticket)
            last = ticket
            self.check_settled(outcome)
            self.moved += settled in MOVED
            # By what was planned: a seat that comes free after it may go to somebody else.
            before, planned = outcome["from"], outcome["group_id"]
            if planned is not None and planned != before:
                came.setdefault(planned, []).append(ticket)
                if before is not None:
                    left[before] = left.get(before, 0) + 1
        for group, tickets in sorted(came.items()):
            size = self.places[group]["free"] + left.get(group, 0)
            if len(tickets) > size:
                raise says(
                    "capacity/public",
                    ticket=tickets[-1],
                    name=group,
                    other=len(tickets),
                    size=size,
                )

    def check_settled(self, outcome):
        """Check that what became of a ticket fits where it was, was to go, and is."""
        settled, ticket = outcome["settled"], outcome["ticket"]
        before, planned, to = outcome["from"], outcome["group_id"], outcome["to"]
        gets = self.bundle["money"] is not None or planned is not None
        good = {
            "issued": before is None and gets and (to is None) == (planned is None),
            "moved": None not in (before, to) and planned == to and (to != before or to == POOL),
            "swapped": None not in (before, to) and planned == to and (to != before or to == POOL),
            "stays": before is not None and to == before and planned == before,
            "none": before is None and planned is None and to is None,
            "passed": gets and to == before,
            "void": gets and to == before,
        }.get(settled)
        if not good:
            raise says("outcomes/settled", ticket=ticket, name=settled)
        if settled == "void" and self.bundle["state"] != "stopped":
            raise says("outcomes/void", ticket=ticket)
        for group in (planned, to):
            if group not in (None, before) and group not in self.places:
                raise says("group/unknown", ticket=ticket, name=group)

    def check_cells(self):
        """Check the counts by category: none small, none twice, no more than there are."""
        cells = self.bundle["cells"]
        known = [category for cell in cells for category in cell["categories"]]
        if known != sorted(set(known)) or set(known) - set(self.categories.values()):
            raise says("small/run")
        waiting = vouchers = 0
        for cell in cells:
            numbers = [cell["waiting"], cell["vouchers"]]
            if None not in numbers:
                numbers.append(cell["waiting"] - cell["vouchers"])
            shown = [number for number in numbers if number is not None]
            if any(number < PUBLIC_LEAST and number for number in shown):
                raise says("small/run")
            waiting += cell["waiting"] or 0
            vouchers += cell["vouchers"] or 0
        issued = sum(1 for outcome in self.bundle["outcomes"] if outcome["settled"] == "issued")
        if waiting > len(self.leaves) or vouchers > issued:
            raise says("small/run")

    def follows(self, before):
        """Check that this run goes on from the one before it that is public."""
        said = self.bundle["previous"]
        if said != (before.digest if before else None):
            raise says("chain/run", name=self.bundle["run_id"])
        if before is None:
            return
        # Whoever waited through both runs waited in any run between: five are enough to know that
        # none was too small to be public, so the round goes on from here.
        open_still = {
            outcome["ticket"]
            for outcome in before.bundle["outcomes"]
            if outcome["settled"] in ("none", "passed", "void")
        } & {outcome["ticket"] for outcome in self.bundle["outcomes"]}
        if len(open_still) < PUBLIC_LEAST:
            return
        for cohort in sorted(set(before.after) & set(self.before)):
            if before.after[cohort] != self.before[cohort]:
                raise says("carry/before", name=cohort)


# --- a run counted again from its openings --------------------------------------------------------
#
# The rules, as they are written for people (docs/queue-proofs.md):
# - lanes one after the other; in a tier the instant, then the number drawn, then the ticket; two
#   tiers of a lane by turns, or by time alone where a part of each group is in reserve;
# - holders who ask to move before all who wait, in the order in which they got their vouchers;
# - a child's list: the preferred groups that fit, then every other that fits, most places first; of
#   a holder: the wished groups that fit, then its own;
# - in a group first its own children, then siblings where the rules say so, then the line;
# - proposals and rejections until nobody is rejected; children of a batch are decided together when
#   the last of them is reached, from places nobody has or may come back to;
# - then holders trade: each points to the best place of another, each group to its first.

LEAF = {
    "age": "int",
    "batch": "str?",
    "batch_size": "count?",
    "cohort": "int",
    "intake": "id?",
    "kind": "str",
    "language": "str",
    "ordered_at": "time",
    "out_of_age": "str?",
    "own": "id?",
    "preferences": ["id"],
    "run": "id",
    "sen": "bool",
    "siblings": ["id"],
    "since": "str",
    "ticket": "id",
    "tier": "str",
}
OPENING = {"outcome": "any", "salt": "b16", "text": "str", "ticket": "id"}
OUTCOME = {
    "category": "count?",
    "from": "id?",
    "group_id": "id?",
    "missing_tiyn": "count?",
    "passed": ["any"],
    "position": "count",
    "preference": "count?",
    "reason": "str",
    "settled": "str",
    "skipped": "str?",
    "to": "id?",
    "turn": "count?",
    "waiting": ["id"],
}
BATCH_MOST = 6
ANY = "any"


class Child:
    """One applicant or holder: what the leaf says, and what the run is said to have decided."""

    __slots__ = (
        *("ticket", "leaf", "said", "outcome", "at", "turn", "category", "number", "salt"),
        *("units", "wishes", "sort", "rest", "asked", "seat", "own", "near"),
    )


HEAD = {"format": "str", "run_id": "str", "whole": "str"}


def read_head(line):
    """Return what the first line of openings says. Raises Unusable."""
    head = parse_json(line, "line 1 of the openings")
    if misshapen(head, HEAD) or head["format"] != "kezek/openings/1":
        raise Unusable("line 1 of the openings is not their head")
    return head


def read_openings(lines, run):
    """Return the children of a run by ticket, each opened by the text that was committed."""
    outcomes = run.bundle["outcomes"]
    place = {outcome["ticket"]: number for number, outcome in enumerate(outcomes)}
    children = {}
    for number, line in enumerate(lines, 2):
        opened = parse_json(line, f"line {number} of the openings")
        wrong = misshapen(opened, OPENING)
        if wrong:
            raise Unusable(f"line {number} of the openings has no {wrong} that can be read")
        ticket = opened["ticket"]
        if ticket in children:
            raise says("opening/twice", ticket=ticket)
        if ticket not in place:
            raise says("opening/count", ticket=ticket, other=len(lines), size=len(outcomes))
        child = children[ticket] = Child()
        child.ticket, child.outcome = ticket, outcomes[place[ticket]]
        child.said = opened["outcome"]
        text = opened["text"]
        child.salt = plain_b64(opened["salt"])
        try:
            made = input_leaf(child.salt, text)
        except UnicodeEncodeError:
            made = None
        if made != run.leaves[place[ticket]]:
            raise says("opening/leaf", ticket=ticket)
        try:
            child.leaf = parse_json(text, "a leaf")
        except Unusable:
            raise says("opening/text", ticket=ticket, name="JSON") from None
        wrong = misshapen(child.leaf, LEAF)
        if not wrong and (set(child.leaf) != set(LEAF) or canonical(child.leaf) != text):
            wrong = "form"
        if not wrong and child.leaf["ticket"] != ticket:
            wrong = "ticket"
        if not wrong and child.leaf["run"] != run.bundle["run_id"]:
            wrong = "run"
        if not wrong and len(set(child.leaf["preferences"])) != len(child.leaf["preferences"]):
            wrong = "preferences"
        if wrong:
            raise says("opening/text", ticket=ticket, name=wrong)
        if misshapen(child.said, OUTCOME) or any(
            child.said[name] != child.outcome[name]
            for name in ("from", "group_id", "settled", "to")
        ):
            raise says("opening/outcome", ticket=ticket)
    for outcome in outcomes:
        if outcome["ticket"] not in children:
            raise says(
                "opening/count", ticket=outcome["ticket"], other=len(lines), size=len(outcomes)
            )
    return children


class Count:
    """A run counted again. line: holders who ask to move, then who waits; far: those out of age."""

    def __init__(self, run, children):
        self.run, self.order = run, run.bundle["order"]
        self.by_budget = run.bundle["money"] is not None
        self.children = [children[outcome["ticket"]] for outcome in run.bundle["outcomes"]]
        self.opened = {}
        for row in run.bundle["seeds"]:
            source = row["source"] if isinstance(row["source"], dict) else {}
            if isinstance(source.get("opens_at"), str):
                self.opened[row["intake"]] = instant(source["opens_at"])
        for child in self.children:
            self.check_child(child)
        self.movers = sorted(
            (child for child in self.children if child.own is not None),
            key=lambda child: (child.leaf["since"], child.ticket),
        )
        waits = [child for child in self.children if child.own is None]
        self.far = [child for child in waits if child.leaf["out_of_age"] is not None]
        self.queue = self.merged([c for c in waits if c.leaf["out_of_age"] is None])
        self.line = self.movers + self.queue
        for number, child in enumerate(self.line):
            child.number = number
        for at, child in enumerate(self.movers, 1):
            child.at, child.turn = at, None
        for at, child in enumerate(self.queue, 1):
            child.at = at
        for child in self.far:
            child.at, child.turn, child.number = 0, None, len(self.line)
        self.units = self.decided_together()
        self.awaited = sum(place["awaited"] for place in run.places.values())

    def check_child(self, child):
        leaf = child.leaf
        child.own, child.seat, child.asked, child.near = leaf["own"], None, 0, ()
        child.category = self.run.categories.get((leaf["tier"], leaf["cohort"]))
        if child.own is not None and (not self.order["movers"] or self.by_budget):
            raise says("mover/none", ticket=child.ticket)
        if child.own is None and leaf["out_of_age"] is None and child.category is None:
            raise says("category/none", ticket=child.ticket)
        if leaf["intake"] is not None and leaf["intake"] not in self.run.seeds:
            raise says("seed/missing", ticket=child.ticket, name=leaf["intake"])
        opened = self.opened.get(leaf["intake"])
        if opened is not None and instant(leaf["ordered_at"]) != opened:
            at = leaf["ordered_at"]
            raise says("draw/instant", ticket=child.ticket, name=leaf["intake"], other=at)
        if self.order["siblings_first"] and leaf["siblings"]:
            child.near = frozenset(leaf["siblings"])

    # --- who stands before whom

    def merged(self, waits):
        """Return who waits, in the order of serving, and set everybody's turn."""
        seeds, standing = self.run.seeds, {}
        for child in waits:
            leaf = child.leaf
            drawn = (
                "" if leaf["intake"] is None else drawn_number(seeds[leaf["intake"]], child.ticket)
            )
            key = (instant(leaf["ordered_at"]), drawn, child.ticket)
            standing.setdefault((leaf["tier"], leaf["cohort"]), []).append((key, child))
            child.turn = None
        line = []
        for lane in self.order["lanes"]:
            tiers = [sorted(standing.pop((t, lane["cohort"]), ())) for t in lane["tiers"]]
            if len(tiers) == 2 and self.order["reading"] == "reserve":
                tiers = [sorted(tiers[0] + tiers[1])]
            if len(tiers) == 2:
                line += self.alternated(tiers, lane["cohort"])
            else:
                line += [child for _, child in tiers[0]]
        for left in standing.values():
            raise says("category/none", ticket=left[0][1].ticket)
        return line

    def alternated(self, tiers, cohort):
        """Merge two tiers by turns from where the last run stopped; an empty turn passes on."""
        first, round_of = self.order["first_count"], self.run.round
        queues = [[child for _, child in reversed(tier)] for tier in tiers]
        turn, line = self.run.before.get(cohort, 0), []
        while queues[0] or queues[1]:
            whose = queues[0] if turn < first else queues[1]
            if whose:
                child = whose.pop()
                child.turn = turn
                line.append(child)
            turn = (turn + 1) % round_of
        return line

    def decided_together(self):
        """Return who is decided together, in the order of deciding: when the last is reached."""
        together = {}
        for child in self.queue:
            child.units = [child]
            if child.leaf["batch"] is not None and not self.by_budget:
                child.units = together.setdefault(child.leaf["batch"], [])
                child.units.append(child)
        return [child.units for child in self.queue if child.units[-1] is child]

    # --- lists

    def misfit(self, child, place):
        """Return what keeps a child out of a group whatever its places."""
        leaf = child.leaf
        for part in ("kind", "language"):
            if place[part] != leaf[part]:
                return part
        return None if place["age_from"] <= leaf["age"] <= place["age_to"] else "age"

    def make_lists(self):
        """Give each child its list: own wishes, then what all of its sort share."""
        places = self.run.places
        by_free = sorted(places.values(), key=lambda place: (-place["free"], place["group_id"]))
        self.sorts = {}
        for child in self.line:
            leaf = child.leaf
            fitting = [
                group
                for group in leaf["preferences"]
                if group in places and group != child.own and not self.misfit(child, places[group])
            ]
            child.wishes, child.rest = fitting, None
            if child.own is not None:
                child.wishes = [*fitting, child.own]
                continue
            sort = (leaf["kind"], leaf["language"], leaf["age"])
            if sort not in self.sorts:
                rest = [p["group_id"] for p in by_free if not self.misfit(child, p)]
                self.sorts[sort] = Rest(rest)
            child.rest = self.sorts[sort]

    def list_of(self, child):
        """Yield a child's whole list, best first."""
        yield from child.wishes
        if child.rest is not None:
            for group in child.rest.groups:
                if group not in child.wishes:
                    yield group

    def better(self, child, than):
        """Yield the groups a child would rather have than one (None: than no place)."""
        for group in self.list_of(child):
            if group == than:
                return
            yield group

    def right(self, child, group):
        """Return a child's right in a group: smaller is stronger."""
        most = len(self.line) + self.awaited
        if child.own == group and group is not None:
            return child.number
        if group in child.near:
            return most + child.number
        return 2 * most + self.awaited + child.number

    # --- proposals and rejections

    def count(self):
        """Decide everything again: child.seat is what the rules give."""
        if self.by_budget:
            self.count_money()
            return
        self.make_lists()
        self.favoured, self.reached = self.favoured_tiers(), -1
        self.groups = {}
        for name, place in self.run.places.items():
            kept = (place["free"] * self.order["reserve_per_mille"] + 500) // 1000
            reads = self.order["reading"] == "reserve"
            self.groups[name] = Group(place["free"], kept if reads else 0)
        for child in self.movers:
            self.groups.setdefault(child.own, Group(0, 0)).add_owner()
        ahead = 2 * (len(self.line) + self.awaited)
        for name, place in self.run.places.items():
            for _ in range(place["awaited"]):
                # A holder on the waiting list who does not move at once: nobody, who stands first.
                if self.groups[name].admits(ahead, False):
                    self.groups[name].take(ahead, Nobody(ahead), False)
                ahead += 1
        kept = any(group.reserve for group in self.groups.values())
        self.returning = kept or any(child.near for child in self.line)
        for child in self.movers:
            self.propose(child)
        for unit in self.units:
            if len(unit) == 1 and not self.short_of(unit):
                self.propose(unit[0])
            else:
                self.place_together(unit)
        self.before_trade = {child.ticket: child.seat for child in self.movers}
        self.swapped = set()
        if self.order["swaps"]:
            self.trade()

    def favoured_tiers(self):
        """Return the tiers a reserve is for: the first of two that share a lane."""
        return {lane["tiers"][0] for lane in self.order["lanes"] if len(lane["tiers"]) == 2}

    def propose(self, child):
        """Let a child ask down its list, and whoever it displaces after it."""
        self.reach(child)
        free = [child]
        while free:
            asking = free.pop()
            name = self.next_group(asking)
            if name is None:
                asking.seat = None
                continue
            asking.seat = name
            rejected = self.groups[name].take(
                self.right(asking, name),
                asking,
                self.is_favoured(asking, name),
            )
            if rejected is not None and not isinstance(rejected, Nobody):
                rejected.seat = None
                free.append(rejected)

    def next_group(self, child):
        """Return the next group on a child's list that does not reject it at once."""
        while child.asked < len(child.wishes):
            name = child.wishes[child.asked]
            child.asked += 1
            if self.admitted(child, name):
                return name
        if child.rest is None:
            return None
        groups = child.rest.groups
        favoured = self.is_favoured(child, None)
        at = max(child.asked - len(child.wishes), 0)
        if not child.near and child.number >= self.reached:
            # Whoever stands last so far finds no use in groups that are full already.
            at = max(at, child.rest.first_open(self.groups, favoured))
        while at < len(groups):
            name = groups[at]
            at += 1
            child.asked = len(child.wishes) + at
            if name in child.wishes:
                continue
            if self.admitted(child, name):
                return name
        child.asked = len(child.wishes) + at
        return None

    def admitted(self, child, group):
        """Tell whether a group would keep a child that asks now."""
        favoured = self.is_favoured(child, group)
        return self.groups[group].admits(self.right(child, group), favoured)

    def reach(self, child):
        """Note how far down the line the deciding has come: all decided so far stand before."""
        self.reached = max(self.reached, child.number)

    def is_favoured(self, child, group):
        """Tell whether a reserve is kept for a child; who is there already needs none."""
        return child.leaf["tier"] in self.favoured and (child.own is None or child.own != group)

    def short_of(self, unit):
        """Tell whether a batch still waits for a member who has not applied."""
        sizes = [child.leaf["batch_size"] for child in unit if child.leaf["batch"] is not None]
        return any(size is not None and size > len(unit) for size in sizes)

    def place_together(self, unit):
        """Place a batch in the first group that takes all of it, or not at all."""
        for child in unit:
            child.seat = None
            self.reach(child)
        if self.short_of(unit) or len(unit) > BATCH_MOST:
            return
        both = [p for p in self.run.places.values() if not any(self.misfit(c, p) for c in unit)]
        both.sort(key=lambda place: (-place["free"], place["group_id"]))
        names = [place["group_id"] for place in both]
        wished = [g for child in unit for g in child.wishes if g in names]
        for name in [*wished, *names]:
            if self.groups[name].free(self.returning) >= len(unit):
                self.groups[name].fix(unit)
                for child in unit:
                    child.seat = name
                return

    def trade(self):
        """Let holders trade places: top trading cycles among them, each ring at once."""
        left = {child.ticket: child for child in self.movers}
        held = {}
        for child in self.movers:
            held.setdefault(child.seat, []).append(child)
        while left:
            points = {}
            for ticket, child in list(left.items()):
                for group in self.better(child, child.seat):
                    while held.get(group) and held[group][0].ticket not in left:
                        held[group].pop(0)
                    if held.get(group):
                        points[ticket] = held[group][0].ticket
                        break
                else:
                    del left[ticket]  # wants nothing that another trader has
                    break
            else:
                if not points:
                    return
                self.swap_ring(next(iter(points)), points, left)

    def swap_ring(self, ticket, points, left):
        """Find the ring behind a trader and move it."""
        seen = []
        while ticket not in seen:
            seen.append(ticket)
            ticket = points[ticket]
        ring = [left.pop(one) for one in seen[seen.index(ticket) :]]
        seats = [child.seat for child in ring]
        for child, seat in zip(ring, seats[1:] + seats[:1]):
            child.seat = seat
            self.swapped.add(child.ticket)

    # --- money

    def count_money(self):
        """Decide again by budget: down the line, each from the pot it stands for."""
        money = self.run.bundle["money"]
        left = {pot["direction"]: pot["free_tiyn"] for pot in money["pots"]}
        months = months_between(money["first"], money["last"])
        self.pots, self.gets, self.missing = {}, {}, {}
        for child in self.queue:
            kind = child.leaf["kind"]
            pot = kind if kind in left else "" if "" in left else None
            if pot is None and kind == ANY and left:
                pot = max(left, key=lambda direction: left[direction])
            self.pots[child.ticket] = pot
            self.gets[child.ticket] = False
            if pot is not None:
                month = money["sen_month_tiyn" if child.leaf["sen"] else "month_tiyn"]
                left[pot] -= month * months
                self.gets[child.ticket] = left[pot] >= 0
                self.missing[child.ticket] = max(0, -left[pot])


class Nobody:
    """Who waits for a place that a mover leaves there, and is not named."""

    def __init__(self, number):
        self.ticket, self.own = str(number), None


class Rest:
    """The groups that all children of a sort share, most places first; how many begin full."""

    def __init__(self, groups):
        self.groups, self.full = groups, {True: 0, False: 0}

    def first_open(self, groups, favoured):
        """Return the first group that may still take somebody who stands last so far."""
        at = self.full[favoured]
        while at < len(self.groups) and not groups[self.groups[at]].admits_last(favoured):
            at += 1
        self.full[favoured] = at
        return at


class Group:
    """Who a group keeps: the best rights so far, a part of it for the favoured first."""

    def __init__(self, free, reserve):
        self.most, self.owners, self.reserve = free, 0, reserve
        self.within, self.open = [], []  # heaps, the weakest right on top

    def add_owner(self):
        self.most, self.owners = self.most + 1, self.owners + 1

    def size(self):
        return len(self.within) + len(self.open)

    def kept(self):
        """Return how many places the favoured have first; never those of holders."""
        return max(0, min(self.reserve, self.most - self.owners))

    def admits_last(self, favoured):
        """Tell whether somebody with the weakest right of all would get in."""
        return self.size() < self.most or (favoured and len(self.within) < self.kept())

    def admits(self, right, favoured):
        if self.admits_last(favoured):
            return self.most > 0
        heaps = (self.open, self.within if favoured else ())
        return any(right < -heap[0][0] for heap in heaps if heap)

    def take(self, right, child, favoured):
        """Keep a child if its right is good enough; return who is rejected for it."""
        heapq.heappush(self.within if favoured else self.open, (-right, child.ticket, child))
        self.share()
        return heapq.heappop(self.open)[2] if self.size() > self.most else None

    def share(self):
        """Send those who are beyond the reserve to the others."""
        while len(self.within) > self.kept():
            heapq.heappush(self.open, heapq.heappop(self.within))

    def free(self, returning):
        """Return how many places a batch may have: those nobody has and no holder may come back to.

        returning: whether anything may send a holder back to its own place: siblings, a reserve.
        """
        free = self.most - self.size()
        return min(free, self.most - self.owners) if returning else free

    def fix(self, unit):
        self.most -= len(unit)
        self.share()


def months_between(first, last):
    """Return how many months lie from one to another, YYYY-MM, both included."""
    try:
        (year, month), (year_to, month_to) = [
            (int(text[:4]), int(text[5:])) for text in (first, last)
        ]
    except ValueError:
        raise says("bundle/fields", name="money") from None
    return max(0, (year_to - year) * 12 + month_to - month + 1)


class Found:
    """The first ticket that breaks a rule, in the order of the line; of one ticket the gravest.

    That an outcome is another than the rules give is said where no rule of its own is broken.
    """

    GRAVE = (
        "mover",
        "group",
        "fit",
        "capacity",
        "batch",
        "sibling",
        "reserve",
        "envy",
        "waste",
        "swap",
        "outcome",
    )

    def __init__(self):
        self.first = None

    def add(self, child, key, **facts):
        word = key.split("/")[0]
        at = (word == "outcome", child.number, self.GRAVE.index(word))
        if self.first is None or at < self.first[0]:
            self.first = at, key, child.ticket, facts

    def end(self):
        if self.first is not None:
            _, key, ticket, facts = self.first
            raise says(key, ticket=ticket, **facts)


class Judge:
    """What a run is said to have decided, against what the rules give."""

    def __init__(self, count):
        self.count, self.run, self.order = count, count.run, count.order
        self.places, self.short = count.run.places, {}

    def check(self):
        """Raise what is broken, the first ticket of the line first."""
        self.check_line()
        self.count.count()
        if self.count.by_budget:
            self.check_money()
        else:
            self.check_seats()
            self.check_reasons()
            self.check_where()
        self.check_stop()
        self.check_carry()
        self.check_counts()

    # --- the line

    def check_line(self):
        """Everybody stands where order, draw and turns put them."""
        for line in (self.count.movers, self.count.queue):
            claimed = {}
            for child in line:
                claimed.setdefault(child.said["position"], child)
            for child in line:
                if child.said["position"] != child.at:
                    key = self.misplaced(child, claimed.get(child.at))
                    raise says(
                        key, ticket=child.ticket, expected=child.at, other=child.said["position"]
                    )
                if child.said["turn"] != child.turn:
                    raise says(
                        "interleave/turn",
                        ticket=child.ticket,
                        expected=child.turn,
                        other=child.said["turn"],
                    )
        for child in self.count.far:
            if child.said["position"]:
                raise says(
                    "order/category",
                    ticket=child.ticket,
                    expected=0,
                    other=child.said["position"],
                )

    def misplaced(self, child, instead):
        """Return which rule is broken where one stands in the place of another."""
        mine, other = child.leaf, instead.leaf if instead else None
        if other is None or mine["cohort"] != other["cohort"] or child.own is not None:
            return "order/category"
        if mine["tier"] == other["tier"]:
            drawn = mine["intake"] is not None and mine["intake"] == other["intake"]
            return "draw/line" if drawn else "order/category"
        for lane in self.order["lanes"]:
            if {mine["tier"], other["tier"]} <= set(lane["tiers"]):
                reading = self.order["reading"] == "interleave"
                return "interleave/line" if reading else "order/category"
        return "order/category"

    # --- places

    def planned(self, child):
        """Return where a child was to have a place by the run; a holder who stays: its own."""
        return child.outcome["group_id"] or child.own

    def check_seats(self):
        found, count = Found(), self.count
        inside = {}
        for child in count.line:
            group = self.planned(child)
            if group is not None:
                inside.setdefault(group, []).append(child)
            self.check_kind_of_outcome(found, child, group)
            self.check_fit(found, child, group)
            if child.seat != group:
                facts = {"other": group or "-", "expected": child.seat or "-"}
                found.add(child, "outcome/differs", **facts)
        for child in count.far:
            if self.planned(child) is not None:
                found.add(child, "fit/year")
        for group, children in inside.items():
            self.check_capacity(found, group, children)
        for unit in count.units:
            self.check_batch(found, unit)
        self.check_envy(found)
        found.end()

    def check_kind_of_outcome(self, found, child, group):
        """Holders move, swap or stay; who waits gets a place or none; swaps are real ones."""
        settled = child.outcome["settled"]
        holds = child.own is not None
        another = holds == (settled in ("issued", "none")) and settled not in ("passed", "void")
        if another or child.own != child.outcome["from"]:
            found.add(child, "mover/none")
        swapped = child.ticket in self.count.swapped
        if settled == "swapped" and not swapped:
            found.add(child, "swap/none")
        elif swapped and group != child.seat:
            found.add(child, "swap/left")
        elif holds and (
            (settled == "stays" and group != child.own) or (swapped and settled == "moved")
        ):
            found.add(child, "swap/left" if swapped else "mover/none")

    def check_fit(self, found, child, group):
        if group is None or (child.own is not None and group == child.own):
            return
        if group not in self.places:
            found.add(child, "group/unknown", name=group)
            return
        wrong = self.count.misfit(child, self.places[group])
        if wrong:
            found.add(child, f"fit/{wrong}", name=group)
        elif child.own is not None and group not in child.wishes:
            found.add(child, "mover/worse", name=group)

    def room(self, group):
        return self.count.groups[group].owners + (
            self.places[group]["free"] if group in self.places else 0
        )

    def check_capacity(self, found, group, children):
        if group not in self.count.groups or len(children) <= self.room(group):
            return
        wrong = [child for child in children if child.seat != group]
        one = min(wrong, key=lambda c: c.number) if wrong else children[-1]
        found.add(one, "capacity/full", name=group, size=self.room(group), other=len(children))

    def check_batch(self, found, unit):
        alone = len(unit) == 1 and not self.count.short_of(unit)
        got = {self.planned(child) for child in unit}
        whole_unit = not self.count.short_of(unit) and len(unit) <= BATCH_MOST
        if not alone and (len(got) > 1 or (got != {None} and not whole_unit)):
            found.add(unit[0], "batch/split")

    def stood(self, child):
        """Return where a child was before holders traded: rights are those of the line alone."""
        group = self.planned(child)
        if child.ticket in self.count.swapped and group == child.seat:
            return self.count.before_trade[child.ticket]
        return group

    def check_envy(self, found):
        """Nobody would rather be where somebody of less right is, or a place stayed free."""
        weakest, inside = {}, {}
        for child in self.count.line:
            if self.stood(child) is not None:
                inside.setdefault(self.stood(child), []).append(child)
        for group in self.count.groups:
            weakest[group] = Weakest(self, group, inside.get(group, []))
        tops = {}
        for sort, rest in self.count.sorts.items():
            tops[sort] = {True: Tops(rest, weakest, True), False: Tops(rest, weakest, False)}
        together = {c.ticket for unit in self.count.units if len(unit) > 1 for c in unit}
        for child in self.count.line:
            short = child.own is None and self.count.short_of(child.units)
            if child.ticket in together or short:
                continue  # named exceptions: they are counted again all the same
            has = self.stood(child)
            favoured = self.count.is_favoured(child, None)
            groups = child.wishes
            if has in groups:
                groups = groups[: groups.index(has)]
            elif child.rest is not None:
                leaf = child.leaf
                top = tops[leaf["kind"], leaf["language"], leaf["age"]][favoured]
                if child.near or top.may_be_envied(has, self.count.right(child, None)):
                    groups = list(self.count.better(child, has))
            for group in groups:
                key, other = weakest[group].passed(child, favoured)
                if key is not None:
                    found.add(child, key, name=group, other=other)
                    break

    # --- what families are told

    def check_reasons(self):
        self.last_in = {}
        for child in self.count.line:
            seat = self.count.before_trade.get(child.ticket, child.seat)
            if seat is not None and seat != child.own:
                other = self.last_in.get(seat)
                rights = [self.count.right(one, seat) for one in (child, other) if one]
                if len(rights) == 1 or rights[0] > rights[1]:
                    self.last_in[seat] = child
        for child in [*self.count.line, *self.count.far]:
            expected = self.reasons(child)
            for name, value in expected.items():
                if child.said[name] != value:
                    raise says(
                        "reason/differs",
                        ticket=child.ticket,
                        name=name,
                        other=canonical(child.said[name]),
                        expected=canonical(value),
                    )

    def reasons(self, child):
        """Return what follows for a child alone: reason, which choice, lists, why not there."""
        leaf, seat = child.leaf, child.seat
        if child.own is not None:
            moved = "swapped" if child.ticket in self.count.swapped else "moved"
            wishes = leaf["preferences"]
            passed = wishes[: wishes.index(seat)] if seat in wishes else wishes
            return {
                "reason": moved if seat != child.own else "stays",
                "passed": [self.told_passed(child, group) for group in passed],
            }
        if leaf["out_of_age"] is not None:
            return {"reason": leaf["out_of_age"], "preference": None, "waiting": []}
        if len(child.units) > 1 or self.count.short_of(child.units):
            return {} if seat else {"reason": self.why_apart(child.units), "preference": None}
        wished = leaf["preferences"].index(seat) + 1 if seat in leaf["preferences"] else None
        if seat is None:
            return {
                "reason": self.why_none(child),
                "preference": None,
                "waiting": [],
                "passed": [self.told_passed(child, group) for group in leaf["preferences"]],
            }
        waiting = [] if wished else child.wishes[: self.order["waiting_lists_max"]]
        passed = leaf["preferences"][: wished - 1] if wished else leaf["preferences"]
        return {
            "reason": "preferred" if wished else "other-group",
            "preference": wished,
            "waiting": waiting,
            "passed": [self.told_passed(child, group) for group in passed],
        }

    def why_apart(self, unit):
        """Return why a batch has no place."""
        if self.count.short_of(unit):
            return "batch-incomplete"
        if len(unit) > BATCH_MOST:
            return "batch-too-large"
        places = self.places.values()
        both = any(not any(self.count.misfit(c, place) for c in unit) for place in places)
        sorts = {(c.leaf["kind"], c.leaf["language"], c.leaf["age"]) for c in unit}
        if not both and len(sorts) == 1:
            return self.why_none(unit[0])
        return "no-place-together" if both else "batch-differs"

    def told_passed(self, child, group):
        """Return why a group was not given, and who was the last to get in there in this run."""
        if group not in self.places:
            return [group, "closed", None, None]
        last = self.last_in.get(group)
        why = self.count.misfit(child, self.places[group]) or "full"
        if why != "full" or last is None:
            return [group, why, None, None]
        return [group, why, last.category or 0, last.ticket]

    def why_none(self, child):
        """Return why a child found no place at all; the same for all of its sort."""
        sort = (child.leaf["kind"], child.leaf["language"], child.leaf["age"])
        if sort not in self.short:
            self.short[sort] = self.shortage(child)
        return self.short[sort]

    def shortage(self, child):
        leaf, places = child.leaf, list(self.places.values())
        for part, reason in (("kind", "no-group-of-kind"), ("language", "no-group-in-language")):
            places = [place for place in places if place[part] == leaf[part]]
            if not places:
                return reason
        fitting = [p for p in places if p["age_from"] <= leaf["age"] <= p["age_to"]]
        return "no-place-left" if fitting else "no-group-for-age"

    # --- what came of it

    def check_where(self):
        """Where children really went, if not as planned: it fits, and batches stay together."""
        self.between = 0
        for child in self.count.line:
            outcome = child.outcome
            planned, to, settled = outcome["group_id"], outcome["to"], outcome["settled"]
            if settled == "issued" and to != planned:
                wrong = self.count.misfit(child, self.places[to])
                if wrong:
                    raise says(f"fit/{wrong}", ticket=child.ticket, name=to)
            self.between += settled == "passed" or (settled == "issued" and to != planned)
        for unit in self.count.units:
            went = {child.outcome["to"] for child in unit if child.outcome["settled"] == "issued"}
            issued = sum(child.outcome["settled"] == "issued" for child in unit)
            if len(unit) > 1 and issued and (len(went) > 1 or issued != len(unit)):
                raise says("batch/split", ticket=unit[0].ticket)

    def served(self):
        """Yield who was to get a voucher, in the order of serving."""
        for unit in self.count.units:
            for child in unit:
                if self.gets(child):
                    yield child

    def gets(self, child):
        if self.count.by_budget:
            return self.count.gets[child.ticket]
        return child.outcome["group_id"] is not None

    def check_stop(self):
        """What was issued before a stop is the beginning of the order."""
        void = None
        moving = [child for child in self.count.movers if self.planned(child) != child.own]
        for child in moving:
            if child.outcome["settled"] == "void":
                void = void or child
        for child in self.served():
            if child.outcome["settled"] == "void":
                void = void or child
            elif void is not None and child.outcome["settled"] == "issued":
                raise says("stop/prefix", ticket=child.ticket, other=void.ticket)

    def check_carry(self):
        """The next run goes on after the last voucher that was really issued."""
        run = self.run
        after = {}
        for child in self.served():
            if child.outcome["settled"] == "issued" and child.turn is not None:
                after[child.leaf["cohort"]] = (child.turn + 1) % run.round
        for cohort in sorted({lane["cohort"] for lane in self.order["lanes"]}):
            expected = after.get(cohort, run.before.get(cohort, 0))
            if run.after.get(cohort, 0) != expected:
                raise says(
                    "carry/after", name=cohort, other=run.after.get(cohort, 0), expected=expected
                )

    def check_counts(self):
        """The sums by category are those of the line."""
        waiting, vouchers = {}, {}
        for child in self.count.queue:
            waiting[child.category] = waiting.get(child.category, 0) + 1
            issued = child.outcome["settled"] == "issued"
            vouchers[child.category] = vouchers.get(child.category, 0) + issued
        for cell in self.run.bundle["cells"]:
            for name, counted in (("waiting", waiting), ("vouchers", vouchers)):
                total = sum(counted.get(category, 0) for category in cell["categories"])
                if cell[name] is not None and cell[name] != total:
                    raise says("small/run")

    # --- money

    def check_money(self):
        """Vouchers go down the line while the money of each direction lasts."""
        gone = {}
        for child in self.count.queue:
            settled, pot = child.outcome["settled"], self.count.pots[child.ticket]
            gets = self.count.gets[child.ticket]
            if settled == "issued" and not gets:
                raise says("money/beyond", ticket=child.ticket, name=pot)
            if gets == (settled == "none") or settled in ("moved", "swapped", "stays"):
                raise says(
                    "money/differs",
                    ticket=child.ticket,
                    other=settled,
                    expected="issued" if gets else "none",
                )
            if settled == "passed" and child.said.get("skipped") == "money-gone":
                gone.setdefault(pot, child.ticket)
            elif settled == "issued" and pot in gone:
                raise says("money/passed", ticket=child.ticket, name=pot, other=gone[pot])
            self.check_money_reason(child, pot, gets)
        for child in self.count.far:
            if child.outcome["settled"] not in ("none", "void"):
                raise says("fit/year", ticket=child.ticket)
        self.between = sum(c.outcome["settled"] == "passed" for c in self.count.queue)

    def check_money_reason(self, child, pot, gets):
        expected = "no-money"
        if pot is None:
            expected = "no-such-direction"
        elif gets:
            wished = pot in (child.leaf["kind"], "")
            expected = "wished-direction" if wished else "any-direction"
        missing = self.count.missing.get(child.ticket)
        for name, value in (("reason", expected), ("missing_tiyn", missing)):
            if child.said[name] != value:
                raise says(
                    "reason/differs",
                    ticket=child.ticket,
                    name=name,
                    other=canonical(child.said[name]),
                    expected=canonical(value),
                )


class Weakest:
    """Whose right is the weakest in a group, and what of it is reserved."""

    def __init__(self, judge, group, children):
        count = judge.count
        self.judge, self.group = judge, group
        most = 2 * (len(count.line) + count.awaited) + count.awaited
        kept = count.groups[group]
        together = [child for child in children if child.own is None and len(child.units) > 1]
        single = [child for child in children if child.own is not None or len(child.units) == 1]
        self.free = judge.room(group) - len(children)
        awaited = judge.places[group]["awaited"] if group in judge.places else 0
        self.awaited = min(awaited, max(self.free, 0))
        self.free -= self.awaited
        rights = [(count.right(child, group), child) for child in single]
        rights.sort(key=lambda one: one[0])
        favoured = [one for one in rights if count.is_favoured(one[1], group)]
        reserved = min(kept.reserve, judge.room(group) - len(together) - kept.owners)
        self.within = {child.ticket for _, child in favoured[: max(reserved, 0)]}
        self.lacking = reserved > len(favoured)
        line = [(right, child) for right, child in rights if child.ticket not in self.within]
        if not judge.order["siblings_first"] and judge.order["reading"] == "interleave":
            # Else a child may be sent on after a batch of less right was placed: a named exception.
            line += [(most + child.units[-1].number, child) for child in together]
        self.last = max(line, key=lambda one: one[0]) if line else (-1, None)
        others = [
            one
            for one in line
            if one[1].own != group
            and one[1] not in together
            and not count.is_favoured(one[1], group)
        ]
        self.eaten = max(others, key=lambda one: one[0]) if others and self.lacking else (-1, None)

    def bound(self, favoured):
        """Return the weakest right that somebody of the line could envy."""
        if self.free > 0 or (favoured and self.eaten[1] is not None):
            return float("inf")
        return self.last[0]

    def passed(self, child, favoured):
        """Return which rule a child was passed against and by whom; None and None if by none."""
        if self.free > 0:
            return "waste/free", "-"
        count = self.judge.count
        right = count.right(child, self.group)
        if self.awaited and self.group in child.near:
            return "sibling/passed", "-"
        if right < self.last[0]:
            near = self.group in child.near
            return ("sibling/passed" if near else "envy/passed"), self.last[1].ticket
        if favoured and self.eaten[1] is not None:
            return "reserve/eaten", self.eaten[1].ticket
        return None, None


class Tops:
    """For those of one sort: how weak a right somebody has among the first groups they share."""

    def __init__(self, rest, weakest, favoured):
        self.at = {group: place for place, group in enumerate(rest.groups)}
        self.tops, top = [-1], -1
        for group in rest.groups:
            top = max(top, weakest[group].bound(favoured))
            self.tops.append(top)

    def may_be_envied(self, has, right):
        return right < self.tops[self.at.get(has, len(self.at))]


# --- a family's own files -------------------------------------------------------------------------

OWN = {"format": "str", "note": "str", "path": ["b32"]}
OWN_LEAF = {"number": "count", "text": "str", "salt": "b16"}
QUEUE_LEAF = {
    "category": "count",
    "intake": "id?",
    "number": "count",
    "ordered_at": "time",
    "place": "count",
    "ticket": "id",
}


def read_own(name, kind, keys):
    """Return (note, leaf, what its text says, path) of a family's file: a place or an input."""
    opened = parse_json(read_file(name), name)
    wrong = misshapen(opened, OWN) or misshapen(opened.get("leaf"), OWN_LEAF, "leaf")
    if wrong or opened["format"] != f"kezek/{kind}/1":
        raise Unusable(f"{name} is no {kind}: {wrong or 'format'}")
    try:
        raw, text = opened["note"].encode(), opened["leaf"]["text"].encode()
    except UnicodeEncodeError:
        raise Unusable(f"{name} is no {kind}: text") from None
    note = Note(raw, keys, name, "queue" if kind == "place" else "run")
    shape = QUEUE_LEAF if kind == "place" else LEAF
    try:
        told_of = parse_json(text, name)
    except Unusable:
        raise says("leaf/text", where=name) from None
    if misshapen(told_of, shape) or set(told_of) != set(shape):
        raise says("leaf/text", where=name)
    named = ("number", str(told_of["number"])) if kind == "place" else ("run", told_of["run"])
    if note[named[0]] != named[1]:
        raise says("leaf/text", where=name)
    if canonical(told_of) != opened["leaf"]["text"]:
        raise says("leaf/text", where=name)
    leaf, ticket = opened["leaf"], told_of["ticket"]
    make = queue_leaf if kind == "place" else input_leaf
    digest = make(plain_b64(leaf["salt"]), leaf["text"])
    path = [plain_b64(one) for one in opened["path"]]
    good = leaf["number"] < note.size and len(path) <= 64
    if not good or root_by_path(leaf["number"], note.size, leaf_hash(digest), path) != note.root:
        raise says("inclusion/path", ticket=ticket)
    return note, leaf, told_of, path


def check_receipt(name, note, told_of, salt, keys):
    """Check that a family's receipt and its leaf are of one application."""
    receipt = Note(read_file(name), keys, name, "receipt")
    ticket = told_of["ticket"]
    expected = {"ticket": ticket, "salt": salt}
    expected["programme"], _, expected["area"] = note.queue.partition("/")
    for field, value in expected.items():
        if receipt[field] != value:
            raise says("receipt/another", ticket=ticket, name=field)
    if receipt.stage != note.stage:
        raise says("receipt/another", ticket=ticket, name="stage")


# --- the commands of queues and runs --------------------------------------------------------------


def queue_places(name):
    """Return the queues at a place: itself, or those that lie in queue/<programme>/<area>."""
    place = Place(name)
    if place.far or os.path.isfile(os.path.join(name, "index.json")):
        return [place]
    found = []
    for top in (name, os.path.join(name, "queue")):
        for programme in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            inside = os.path.join(top, programme)
            for area in sorted(os.listdir(inside)) if os.path.isdir(inside) else []:
                if os.path.isfile(os.path.join(inside, area, "index.json")):
                    found.append(Place(os.path.join(inside, area)))
    if not found:
        raise Unusable(f"{name} has no index.json")
    return found


def keys_of(asked, *places):
    """Return one's own keys, or those that lie beside what is checked, said aloud."""
    if asked.keys:
        return read_keys(read_file(asked.keys).decode("utf-8", "replace"))
    for place in places:
        for up in (0, 3, 5, 1, 2, 4):
            above = place.above(up)
            if above is not None and above.read("keys") is not None:
                return known_keys(above, None)
    raise Unusable("no keys: give --keys FILE")


def run_queue(asked):
    places = queue_places(asked.place)
    keys = keys_of(asked, places[0])
    kept = [(name, read_file(name)) for name in asked.checkpoint]
    answer = {"queues": [], "checkpoints": 0, "runs": 0, "newest": None}
    unchecked, names, unlisted, left = ["truth"], set(), set(), False
    for place in places:
        queue = Queue(place, keys).check(kept)
        answer["queues"].append(queue.name)
        names.add(queue.name)
        answer["checkpoints"] += len(queue.notes)
        answer["runs"] += len(queue.runs)
        unlisted |= queue.unlisted
        left |= not queue.compared
        if queue.notes:
            answer["newest"] = queue.notes[-1]["as-of"]
        if any(run.seeds for run in queue.runs) and "beacon" not in unchecked:
            unchecked.append("beacon")
    for name, raw in kept:
        note = Note(raw, keys, name, "queue")
        if note.queue not in names:
            raise says(
                "note/another", where=name, name=note.queue, expected=", ".join(sorted(names))
            )
    if left:
        unchecked.append("left")
    if answer["runs"]:
        unchecked.append("openings")
        unlisted.add("hidden")
    unchecked += sorted(unlisted)
    return dict(answer, unchecked=unchecked)


def run_run(asked):
    place = Place(asked.place)
    beside = place.above(2)
    queue_place = None
    if asked.queue:
        queue_place = queue_places(asked.queue)[0]
    elif beside is not None and beside.read("index.json") is not None:
        queue_place = beside
    head, lines = None, []
    if asked.openings:
        lines = read_file(asked.openings).split(b"\n")
        lines = lines if lines[-1] else lines[:-1]
        head = read_head(lines[0] if lines else b"")
    if head and place.read("bundle.json") is None and place.read("note") is None:
        run, keys = Run.of_auditor(head["whole"].encode("utf-8", "surrogatepass")), None
        if len(run.leaves) >= PUBLIC_LEAST:
            raise Unusable(f"{place.name} has no bundle.json; a run of so many is public")
    else:
        keys = keys_of(asked, place)
        run = Run(place, keys)
    unchecked = ["truth", "pack"]
    if keys is None:
        unchecked += ["unsigned"]
    elif queue_place is None:
        unchecked += ["previous", "checkpoint"]
    else:
        queue = Queue(queue_place, keys)
        if not check_beside(run, queue):
            unchecked.append("left")
    if run.seeds:
        unchecked.append("beacon")
    if run.bundle["money"] is not None:
        unchecked.append("ledger")
    outcomes = run.bundle["outcomes"]
    answer = {
        "run": run.bundle["run_id"],
        "queue": run.queue,
        "applicants": len(outcomes),
        "issued": sum(outcome["settled"] == "issued" for outcome in outcomes),
        "moved": run.moved,
    }
    if head is None:
        unchecked += ["openings"] + ["pool"] * (POOL in run.places)
        return dict(answer, unchecked=unchecked)
    if run.bundle["engine"] not in ENGINES:
        raise Unusable(f"the run was decided by {run.bundle['engine']}: take a newer verifier")
    if keys is None:
        answer["whole"] = digest_b64(head["whole"].encode("utf-8", "surrogatepass"))
    else:
        run.open_whole(head["whole"])
    if head["run_id"] != run.bundle["run_id"]:
        raise says("bundle/fields", name="run_id")
    children = read_openings(lines[1:], run)
    if keys is not None and queue_place is not None:
        check_tickets(run, children, queue)
        changed = check_signed(run, children, queue)
        if changed:
            answer["changed"] = changed
            unchecked.append("changed")
    judge = Judge(Count(run, children))
    judge.check()
    if judge.between:
        unchecked.append("between")
        answer["count"] = judge.between
    return dict(answer, opened=len(children), unchecked=unchecked)


def check_tickets(run, children, queue):
    """Check that everybody of a drawn intake stood in a list that was public before the draw."""
    draws = Draws()
    draws.add(run.bundle["seeds"])
    windows = [draws.window(intake) for intake in run.seeds]
    for listed in queue.index["checkpoints"]:
        at = instant(listed["as_of"])
        if not any(window and window[0] <= at < window[1] for window in windows):
            continue
        note, shown = queue.order(listed["number"])
        draws.learn(note["as-of"], shown["lines"])
    for ticket, child in sorted(children.items()):
        draws.check_late(child.leaf["intake"], ticket)


def check_beside(run, queue):
    """Check a run against its queue: the checkpoint it names, the run before, who was left out.

    Return whether the last could be told.
    """
    if run.queue != queue.name:
        raise says("note/another", where="note", name=run.queue, expected=queue.name)
    named = run.bundle["checkpoint"]
    if named is not None:
        listed = [told_of["number"] for told_of in queue.index["checkpoints"]]
        note = queue.note(named["number"]) if named["number"] in listed else None
        if note is None or note.digest != named["note"]:
            raise says("checkpoint/named", number=named["number"])
        if instant(note["as-of"]) > instant(run.bundle["ended_at"]):
            raise says("checkpoint/named", number=named["number"])
    queue.check_runs()
    others = {other.bundle["run_id"]: other for other in queue.runs}
    mine = others.get(run.bundle["run_id"])
    if mine is not None and mine.digest != run.digest:
        raise says("chain/run", name=run.bundle["run_id"])
    if mine is None and run.bundle["previous"] is not None:
        before = [one for one in queue.runs if one.digest == run.bundle["previous"]]
        run.follows(before[0] if before else None)
    return check_left_out(run, queue)


def check_left_out(run, queue):
    """Check that everybody took part who stood in the order before a run and stands in that after.

    Return whether there were such orders. An order and a run that are counted at one time may read
    different queues: the order before is the newest one that is older than that by SETTLED.
    """
    listed, named = queue.index["checkpoints"], run.bundle["checkpoint"]
    proposed, ended = instant(run.bundle["proposed_at"]), instant(run.bundle["ended_at"])
    before = [one["number"] for one in listed if instant(one["as_of"]) <= proposed - SETTLED]
    if not before:
        return False
    if named is None or named["number"] < before[-1]:
        raise says("checkpoint/older", number=before[-1])
    after = [one["number"] for one in listed if instant(one["as_of"]) >= ended]
    if not after:
        return False
    note, shown = queue.order(named["number"])
    waited = [line["ticket"] for line in shown["lines"]]
    for number in (before[-1], after[0]):
        stood = {line["ticket"] for line in queue.order(number)[1]["lines"]}
        waited = [ticket for ticket in waited if ticket in stood]
    known = {outcome["ticket"] for outcome in run.bundle["outcomes"]} | came_back(run, queue, note)
    for ticket in waited:
        if ticket not in known:
            raise says("left-out/ticket", number=named["number"], ticket=ticket)
    return True


def came_back(run, queue, note):
    """Return whom runs between an order and a run gave a voucher: they may have come back since.

    Nobody leaves a queue and comes back to it otherwise.
    """
    first, last = instant(note["as-of"]), instant(run.bundle["proposed_at"])
    return {
        outcome["ticket"]
        for other in queue.runs
        if first <= instant(other.bundle["ended_at"]) <= last
        for outcome in other.bundle["outcomes"]
        if outcome["settled"] == "issued"
    }


def check_signed(run, children, queue):
    """Check what a run read of who waits against the order it names; return whom it moved between.

    A category may be judged anew in a day, the instant that counts for order and the intake of one
    who waits never are: what the order has signed must be theirs in one category of its cell.
    """
    named = run.bundle["checkpoint"]
    if named is None:
        return []
    note, shown = queue.order(named["number"])
    leaves, back = queue.leaves(named["number"], note), came_back(run, queue, note)
    order = [children.get(line["ticket"]) for line in shown["lines"]]
    order = [None if child is None or child.leaf["own"] is not None else child for child in order]
    places, changed = likely_places(run, order), []
    for number, (line, child) in enumerate(zip(shown["lines"], order)):
        if child is None:
            continue
        cell = shown["cells"][line["cell"] - 1]
        mine = run.categories.get((child.leaf["tier"], child.leaf["cohort"]))
        others = [category for category in cell["categories"] if category != mine]
        tried = [mine, *others] if len(others) < len(cell["categories"]) else others
        likely = places[child.ticket]
        for category in tried:
            said = (category, child.leaf["intake"], note["number"], child.leaf["ordered_at"])
            if leaf_fits(leaves[number], said, line, likely, cell["waiting"], child.salt):
                break
        else:
            category = None
            if child.ticket not in back:
                raise says("changed/leaf", number=named["number"], ticket=child.ticket)
        if category is None or category != mine:
            changed.append(child.ticket)
    return changed


def likely_places(run, order):
    """Return the place in its category that each would have if nobody had left or moved since."""
    rows = {}
    for child in order:
        if child is not None:
            leaf, seed = child.leaf, run.seeds.get(child.leaf["intake"])
            drawn = drawn_number(seed, child.ticket) if seed else ""
            row = rows.setdefault((leaf["tier"], leaf["cohort"]), [])
            row.append((instant(leaf["ordered_at"]) or 0, drawn, child.ticket))
    return {one[2]: place for row in rows.values() for place, one in enumerate(sorted(row), 1)}


def leaf_fits(leaf, said, line, likely, most, salt):
    """Tell whether a queue's leaf says this at the place in its line, or at any where none is."""
    category, intake, number, ordered_at = said
    head = canonical(
        {"category": category, "intake": intake, "number": int(number), "ordered_at": ordered_at}
    )
    head, tail = head[:-1] + ',"place":', ',"ticket":' + canonical(line["ticket"]) + "}"
    begun, tail = hashlib.sha256(b"kezek/queue/1\n" + salt + head.encode()), tail.encode()

    def fits(place):
        made = begun.copy()
        made.update(str(place).encode() + tail)
        return made.digest() == leaf

    if line["place"] is not None:
        return fits(line["place"])
    if intake is not None and fits(0):
        return True
    for away in range(most):
        for place in {likely - away, likely + away}:
            if 1 <= place <= most and fits(place):
                return True
    return False


def run_receipt(asked):
    keys = keys_of(asked, Place(os.path.dirname(os.path.abspath(asked.file))))
    note = Note(read_file(asked.file), keys, asked.file, "receipt")
    return dict(note.lines, unchecked=["truth"])


def run_own(asked, kind):
    places = [Place(os.path.dirname(os.path.abspath(asked.file)))]
    keys = keys_of(asked, *places)
    note, leaf, told_of, _ = read_own(asked.file, kind, keys)
    if asked.receipt:
        check_receipt(asked.receipt, note, told_of, leaf["salt"], keys)
    return note, leaf, told_of, keys


def run_place(asked):
    note, leaf, told_of, keys = run_own(asked, "place")
    unchecked = ["truth"]
    if asked.queue:
        queue = Queue(queue_places(asked.queue)[0], keys)
        note.must_be_of(queue.name)
        number = int(note["number"])
        if queue.note(number).digest != note.digest:
            raise says("inclusion/published", ticket=told_of["ticket"])
        shown = parse_json(queue.place.read(f"{number}/order.json") or b"", "order.json")
        if misshapen(shown, LIST):
            raise says("list/unreadable", number=number)
        lines = shown["lines"]
        if lines and lines[leaf["number"] : leaf["number"] + 1] != [
            line for line in lines if line["ticket"] == told_of["ticket"]
        ]:
            raise says("inclusion/list", ticket=told_of["ticket"])
    else:
        unchecked.append("checkpoint")
    answer = {name: told_of[name] for name in ("ticket", "category", "place")}
    answer.update(queue=note.queue, number=int(note["number"]), as_of=note["as-of"])
    return dict(answer, unchecked=unchecked)


def run_input(asked):
    note, leaf, told_of, keys = run_own(asked, "input")
    answer = {"ticket": told_of["ticket"], "run": note["run"], "queue": note.queue}
    if asked.run_folder:
        run = Run(Place(asked.run_folder), keys)
        if run.note.digest != note.digest:
            raise says("inclusion/published", ticket=told_of["ticket"])
        mine = run.bundle["outcomes"][leaf["number"]]
        if mine["ticket"] != told_of["ticket"]:
            raise says("inclusion/list", ticket=told_of["ticket"])
        answer.update(settled=mine["settled"], group=mine["to"] or mine["group_id"])
    answer["leaf"] = {name: told_of[name] for name in sorted(told_of) if name != "ticket"}
    return dict(answer, unchecked=["truth"])


# --- the commands ---------------------------------------------------------------------------------


def run_log(asked):
    place = Place(asked.place)
    keys = known_keys(place, asked.keys)
    newest, kept = check_log(place, keys, asked.checkpoint)
    return {"entries": newest.size, "checkpoints": kept, "origin": newest.origin}


def run_bundle(asked):
    place = Place(asked.place)
    keys = known_keys(place, asked.keys)
    name = os.path.join(asked.place, "openings.jsonl")
    with open(name, encoding="utf-8", newline="\n") as file:
        bundle = Bundle(file)
        newest, kept = check_log(place, keys, asked.checkpoint, bundle)
        bundle.end()
    answer = {"entries": newest.size, "checkpoints": kept, "origin": newest.origin}
    return dict(answer, streams=len(bundle.last), unchained=bundle.unchained)


def run_entry(asked):
    try:
        with open(asked.file, encoding="utf-8") as file:
            opened = json.load(file)
        place = Place(os.path.dirname(os.path.abspath(asked.file)))
        checkpoint = check_entry(opened, known_keys(place, asked.keys))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unusable(f"{asked.file} is not an opened entry") from None
    return {"entry": opened["number"], "of": checkpoint.size, "origin": checkpoint.origin}


def run_consistency(asked):
    place = Place(os.path.dirname(os.path.abspath(asked.new)))
    keys = known_keys(place, asked.keys)
    both = []
    for name in (asked.old, asked.new):
        with open(name, "rb") as file:
            both.append(Checkpoint(file.read(), keys, name))
    try:
        with open(asked.proof, encoding="utf-8") as file:
            path = [base64.b64decode(one, validate=True) for one in json.load(file)["path"]]
    except (ValueError, KeyError, TypeError):
        raise Unusable(f"{asked.proof} is not a proof") from None
    if both[0].origin != both[1].origin or not check_consistency(both[0], both[1], path):
        raise Broken("consistency", f"{asked.new} does not begin with {asked.old}")
    return {"from": both[0].size, "to": both[1].size, "origin": both[1].origin}


def read_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, arguments in (
        ("log", run_log, ["place"]),
        ("bundle", run_bundle, ["place"]),
        ("entry", run_entry, ["file"]),
        ("consistency", run_consistency, ["old", "new", "proof"]),
        ("queue", run_queue, ["place"]),
        ("run", run_run, ["place"]),
        ("receipt", run_receipt, ["file"]),
        ("place", run_place, ["file"]),
        ("input", run_input, ["file"]),
    ):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for argument in arguments:
            command.add_argument(argument)
        command.add_argument("--keys", help="public keys that you kept, one a line")
        command.add_argument("--json", action="store_true", help="answer for programs")
        command.add_argument("--lang", choices=("kk", "ru", "en"), default="en")
        if name in ("log", "bundle", "queue"):
            command.add_argument("--checkpoint", action="append", default=[], help="one you kept")
        if name == "run":
            command.add_argument("--openings", metavar="FILE", help="an auditor's copy")
        if name in ("run", "place"):
            command.add_argument("--queue", metavar="PLACE", help="the queue's published files")
        if name in ("place", "input"):
            command.add_argument("--receipt", metavar="FILE", help="the family's receipt")
        if name == "input":
            command.add_argument("--run", metavar="FOLDER", dest="run_folder", help="its bundle")
    return parser.parse_args(words)


def show(answer, code, language):
    """Return what is said to people: one line, and what was not checked."""
    column = LANGUAGES.index(language)
    head = {OK: "holds", BROKEN: "broken"}.get(code, "unusable")
    if code != OK:
        return f"{HEADS[head][column]}: {answer['text']}"
    shown = {k: v for k, v in answer.items() if k not in ("holds", "unchecked")}
    text = ", ".join(
        f"{name} {value if isinstance(value, (str, int)) else canonical(value)}"
        for name, value in shown.items()
    )
    lines = [f"{HEADS[head][column]}: {text}"]
    for word in answer.get("unchecked", ()):
        counts = {"count": answer.get("count", 0), "changed": len(answer.get("changed", ()))}
        lines.append(f"{HEADS['unchecked'][column]}: {UNCHECKED[word][column].format(**counts)}")
    return "\n".join(lines)


def main(words=None):
    asked = read_arguments(words)
    code, answer = OK, {"holds": True}
    try:
        answer.update(asked.run(asked))
    except Broken as broken:
        code = BROKEN
        answer = {"holds": False, "broken": broken.what}
        if asked.command in ("log", "bundle", "entry", "consistency"):
            answer["entry"] = broken.number
        else:
            answer.update(ticket=broken.ticket, number=broken.number)
        answer["text"] = told(broken, asked.lang)
    except urllib.error.URLError as error:
        code, answer = SILENT, {"holds": None, "text": f"no answer: {error}"}
    except (Unusable, OSError) as error:
        code, answer = USAGE, {"holds": None, "text": str(error)}
    text = json.dumps(answer, ensure_ascii=False) if asked.json else show(answer, code, asked.lang)
    print(text.encode("utf-8", "replace").decode())
    return code


if __name__ == "__main__":
    sys.exit(main())
