"""What the mails say, in the languages of the office.

No sentence depends on the gender of the caller: the program does not know it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language; words in braces are filled in."""

    message_subject: str
    """A voicemail came."""
    message_opening: str
    """The same, in the body."""
    missed_subject: str
    """Somebody has to be called back."""
    missed_opening: str
    """The same, in the body."""
    callback_opening: str
    """Somebody asked on the web to be called back, in the body."""
    details: str
    """Label of when and why they want that."""
    cut_short: str
    """The program stopped while the message was recorded."""
    caller: str
    """Label of who called."""
    dialled: str
    """Label of the number that was dialled."""
    when: str
    """Label of the time of the call."""
    length: str
    """Label of the length of the recording."""
    box: str
    """Label of the mailbox."""
    story: str
    """Label of what happened in the call."""
    listen: str
    """Label of the link to the recording."""
    call_back: str
    """How to call back."""
    unlisted_subject: str
    """A number was called that nobody configured."""
    unlisted_opening: str
    """The same, in the body."""
    refused_subject: str
    """The CRM does not take the record of a call."""
    refused_opening: str
    """The same, in the body, and what to do."""
    why: str
    """Label of the reason."""
    backup_subject: str
    """A backup took a call."""
    backup_missed_subject: str
    """A call reached a backup, which did not take it."""
    backup_opening: str
    """Both, in the body."""
    backup: str
    """Label of who the backup is."""
    missed_by: str
    """Label of who was rung before, and how long."""
    was_off: str
    """In place of how long: there was no phone to ring."""
    waited: str
    """Label of how long it took until the backup answered."""
    talked: str
    """Label of how long they talked."""
    weekly_subject: str
    """How a week went, in one line."""
    weekly_calls: str
    """Label of how many called."""
    weekly_missed: str
    """Label of how many of them nobody served."""
    weekly_before: str
    """Label of the number of the week before."""
    weekly_unusual: str
    """Many more were missed."""
    weekly_called_back: str
    """Label of how many were called back."""
    weekly_median: str
    """Label of how long they waited, the median."""
    weekly_owed: str
    """Label of who has not been."""
    weekly_backup: str
    """How many calls reached a backup."""
    withheld: str
    """Stands for a number that is not known."""
    attached: str
    """The recording is with this mail."""
    too_big: str
    """The recording is not, for its size."""
    missing: str
    """The recording is not, since it cannot be read."""


ENGLISH = Wording(
    message_subject="Voicemail from {caller} ({length})",
    message_opening="You have a new voicemail.",
    missed_subject="Please call back: {caller}",
    missed_opening="Nobody could take this call. Please call back.",
    callback_opening="Somebody asked on your web site to be called back.",
    details="Wish",
    cut_short="The recording was cut short by the telephone system. Please call back.",
    caller="From",
    dialled="Dialled number",
    when="Time",
    length="Length",
    box="Mailbox",
    story="What happened",
    listen="Listen at once (until {until})",
    call_back="Call back: {link}",
    unlisted_subject="Called, but not configured: {number}",
    unlisted_opening=(
        "A number was called that is not in the configuration. Its callers are served by the "
        "default scheme. Please add it, or ask the provider why it comes here."
    ),
    refused_subject="The CRM refuses records of calls",
    refused_opening=(
        "The CRM refused the record of this call and is not asked again by itself. Nothing is lost: "
        "`b2bua crm` with the configuration file lists what it does not have, and sends it again "
        "with --again once the reason is mended. Of more such calls today there is no mail."
    ),
    why="Reason",
    backup_subject="Answered on the backup: {caller} → {backup}",
    backup_missed_subject="Not even the backup answered: {caller} → {backup}",
    backup_opening="A call came to the backup, because nobody before it took it.",
    backup="Backup",
    missed_by="Missed by",
    was_off="phone off",
    waited="Answered after",
    talked="Talked for",
    weekly_subject="Calls of the week: {calls}, missed: {missed}{grown}",
    weekly_calls="Calls from outside",
    weekly_missed="Callers whom nobody served",
    weekly_before="the week before",
    weekly_unusual="Many more callers were missed than in the week before.",
    weekly_called_back="Called back",
    weekly_median="Half of them waited at most",
    weekly_owed="Still owed a call",
    weekly_backup="Calls that reached a backup: {reached}, taken by it: {taken}",
    withheld="withheld number",
    attached="The recording is attached: {name}",
    too_big="The recording is too big for a mail ({megabytes} MB). You find it in the file {path}",
    missing="The recording could not be attached ({why}). It should be in the file {path}",
)

UKRAINIAN = Wording(
    message_subject="Голосове повідомлення від {caller} ({length})",
    message_opening="У вас нове голосове повідомлення.",
    missed_subject="Передзвоніть, будь ласка: {caller}",
    missed_opening="На цей дзвінок ніхто не зміг відповісти. Передзвоніть, будь ласка.",
    callback_opening="На вашому сайті попросили передзвонити.",
    details="Побажання",
    cut_short="Запис обірвався з вини телефонної системи. Передзвоніть, будь ласка.",
    caller="Від",
    dialled="Набраний номер",
    when="Час",
    length="Тривалість",
    box="Скринька",
    story="Що відбулося",
    listen="Прослухати одразу (до {until})",
    call_back="Передзвонити: {link}",
    unlisted_subject="Номер не налаштовано: {number}",
    unlisted_opening=(
        "Зателефонували на номер, якого немає в налаштуваннях. Дзвінки на нього йдуть за "
        "загальною схемою. Додайте його або спитайте провайдера, чому він надходить сюди."
    ),
    refused_subject="CRM не приймає записи про дзвінки",
    refused_opening=(
        "CRM відхилила запис про цей дзвінок, і сама система більше її не питає. Нічого не втрачено: "
        "`b2bua crm` із файлом налаштувань показує, чого в CRM немає, а з --again надсилає все знову, "
        "коли причину усунено. Про інші такі дзвінки сьогодні листів не буде."
    ),
    why="Причина",
    backup_subject="Відповів резерв: {caller} → {backup}",
    backup_missed_subject="Не відповів навіть резерв: {caller} → {backup}",
    backup_opening="Дзвінок дійшов до резервного номера, бо до того ніхто не відповів.",
    backup="Резерв",
    missed_by="Не відповіли",
    was_off="телефон вимкнено",
    waited="Відповідь через",
    talked="Розмова",
    weekly_subject="Дзвінки за тиждень: {calls}, пропущено: {missed}{grown}",
    weekly_calls="Дзвінки ззовні",
    weekly_missed="Без відповіді",
    weekly_before="тижнем раніше",
    weekly_unusual="Пропущено значно більше дзвінків, ніж тижнем раніше.",
    weekly_called_back="Передзвонили",
    weekly_median="Половина з них чекала щонайбільше",
    weekly_owed="Ще треба передзвонити",
    weekly_backup="Дійшло до резерву: {reached}, резерв відповів: {taken}",
    withheld="прихований номер",
    attached="Запис додано до листа: {name}",
    too_big="Запис завеликий для листа ({megabytes} МБ). Ви знайдете його у файлі {path}",
    missing="Запис не вдалося додати ({why}). Він має бути у файлі {path}",
)

RUSSIAN = Wording(
    message_subject="Голосовое сообщение от {caller} ({length})",
    message_opening="У вас новое голосовое сообщение.",
    missed_subject="Перезвоните, пожалуйста: {caller}",
    missed_opening="На этот звонок никто не смог ответить. Перезвоните, пожалуйста.",
    callback_opening="На вашем сайте попросили перезвонить.",
    details="Пожелание",
    cut_short="Запись оборвалась по вине телефонной системы. Перезвоните, пожалуйста.",
    caller="От",
    dialled="Набранный номер",
    when="Время",
    length="Длительность",
    box="Ящик",
    story="Что произошло",
    listen="Прослушать сразу (до {until})",
    call_back="Перезвонить: {link}",
    unlisted_subject="Номер не настроен: {number}",
    unlisted_opening=(
        "Позвонили на номер, которого нет в настройках. Звонки на него идут по общей схеме. "
        "Добавьте его или спросите провайдера, почему он приходит сюда."
    ),
    refused_subject="CRM не принимает записи о звонках",
    refused_opening=(
        "CRM отклонила запись об этом звонке, и сама система больше её не спрашивает. Ничего не потеряно: "
        "`b2bua crm` с файлом настроек показывает, чего в CRM нет, а с --again отправляет всё снова, "
        "когда причина устранена. О других таких звонках сегодня писем не будет."
    ),
    why="Причина",
    backup_subject="Ответил резерв: {caller} → {backup}",
    backup_missed_subject="Не ответил даже резерв: {caller} → {backup}",
    backup_opening="Звонок дошёл до резервного номера, потому что до того никто не ответил.",
    backup="Резерв",
    missed_by="Не ответили",
    was_off="телефон выключен",
    waited="Ответ через",
    talked="Разговор",
    weekly_subject="Звонки за неделю: {calls}, пропущено: {missed}{grown}",
    weekly_calls="Звонки извне",
    weekly_missed="Без ответа",
    weekly_before="неделей раньше",
    weekly_unusual="Пропущено значительно больше звонков, чем неделей раньше.",
    weekly_called_back="Перезвонили",
    weekly_median="Половина из них ждала не больше",
    weekly_owed="Ещё нужно перезвонить",
    weekly_backup="Дошло до резерва: {reached}, резерв ответил: {taken}",
    withheld="скрытый номер",
    attached="Запись приложена к письму: {name}",
    too_big="Запись слишком велика для письма ({megabytes} МБ). Вы найдёте её в файле {path}",
    missing="Запись не удалось приложить ({why}). Она должна быть в файле {path}",
)

POLISH = Wording(
    message_subject="Wiadomość głosowa od {caller} ({length})",
    message_opening="Masz nową wiadomość głosową.",
    missed_subject="Prosimy oddzwonić: {caller}",
    missed_opening="Nikt nie mógł odebrać tego połączenia. Prosimy oddzwonić.",
    callback_opening="Na Państwa stronie poproszono o oddzwonienie.",
    details="Życzenie",
    cut_short="Nagranie urwało się z winy systemu telefonicznego. Prosimy oddzwonić.",
    caller="Od",
    dialled="Wybrany numer",
    when="Czas",
    length="Długość",
    box="Skrzynka",
    story="Przebieg",
    listen="Odsłuchaj od razu (do {until})",
    call_back="Oddzwoń: {link}",
    unlisted_subject="Numer bez konfiguracji: {number}",
    unlisted_opening=(
        "Ktoś zadzwonił na numer, którego nie ma w konfiguracji. Połączenia na ten numer "
        "obsługuje schemat domyślny. Prosimy go dodać albo zapytać operatora, dlaczego tu trafia."
    ),
    refused_subject="CRM nie przyjmuje zapisów o połączeniach",
    refused_opening=(
        "CRM odrzucił zapis o tym połączeniu i nie jest już o niego pytany sam z siebie. Nic nie zginęło: "
        "`b2bua crm` z plikiem konfiguracji pokazuje, czego w CRM brakuje, a z --again wysyła to ponownie, "
        "gdy przyczyna jest usunięta. O innych takich połączeniach dziś już nie piszemy."
    ),
    why="Powód",
    backup_subject="Odebrano na numerze zapasowym: {caller} → {backup}",
    backup_missed_subject="Nie odebrano nawet na numerze zapasowym: {caller} → {backup}",
    backup_opening="Połączenie trafiło na numer zapasowy, bo wcześniej nikt go nie odebrał.",
    backup="Numer zapasowy",
    missed_by="Nie odebrali",
    was_off="telefon wyłączony",
    waited="Odebrano po",
    talked="Rozmowa",
    weekly_subject="Połączenia w tygodniu: {calls}, nieodebrane: {missed}{grown}",
    weekly_calls="Połączenia z zewnątrz",
    weekly_missed="Nieodebrane",
    weekly_before="tydzień wcześniej",
    weekly_unusual="Nie odebrano znacznie więcej połączeń niż tydzień wcześniej.",
    weekly_called_back="Oddzwoniono",
    weekly_median="Połowa z nich czekała najwyżej",
    weekly_owed="Czeka na oddzwonienie",
    weekly_backup="Dotarło na numer zapasowy: {reached}, odebrano tam: {taken}",
    withheld="numer zastrzeżony",
    attached="Nagranie jest w załączniku: {name}",
    too_big="Nagranie jest za duże na e-mail ({megabytes} MB). Znajdziesz je w pliku {path}",
    missing="Nie udało się załączyć nagrania ({why}). Powinno być w pliku {path}",
)

WORDINGS = {"en": ENGLISH, "uk": UKRAINIAN, "ru": RUSSIAN, "pl": POLISH}


def wording(language: str) -> Wording:
    """Return the sentences of ``language`` ("pl", "pl-PL"), English when there are none."""
    return WORDINGS.get(language.lower().replace("_", "-").split("-")[0], ENGLISH)
