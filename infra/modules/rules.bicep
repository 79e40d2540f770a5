metadata description = 'What a name, a URL and a schedule may look like, and how it is written.'

func characters(text string) string[] => map(range(0, length(text)), index => substring(text, index, 1))

func only(text string, allowed string) bool =>
  empty(filter(characters(text), character => !contains(allowed, character)))

func words(text string, mark string) string[] => filter(split(trim(text), mark), word => !empty(word))

@export()
@description('Lower case letters and digits of a text, as many as `most`; may be empty.')
func lettersAndDigits(text string, most int) string =>
  take(
    join(
      filter(characters(toLower(text)), character => contains('abcdefghijklmnopqrstuvwxyz0123456789', character)),
      ''
    ),
    most
  )

@export()
@description('Whether a text is the name of a host, or a GUID: no user, port, path, query or spaces. Blanks around it do not count.')
func isHost(text string) bool => only(toLower(trim(text)), 'abcdefghijklmnopqrstuvwxyz0123456789-.')

@export()
@description('Whether a text is an id as Adobe gives them: letters, digits and - _ . @. Blanks around it do not count.')
func isId(text string) bool => only(toLower(trim(text)), 'abcdefghijklmnopqrstuvwxyz0123456789-_.@')

// https: and a host.
func secure(parts string[]) bool =>
  length(parts) > 1 ? toLower(parts[0]) == 'https:' && contains(parts[1], '.') && isHost(parts[1]) : false

func isOrganization(text string) bool => isId(text) && !startsWith(text, '.')

@export()
@description('Organization URL as the bridge uses it: no slash at its end, lower case. Empty if it is none.')
func dataverseUrl(url string) string =>
  length(words(url, '/')) == 2 && secure(words(url, '/')) ? 'https://${toLower(words(url, '/')[1])}' : ''

@export()
@description('Campaign\'s URL as the bridge uses it: no slash at its end, the host in lower case. Empty if it is none.')
func campaignUrl(url string) string =>
  length(words(url, '/')) == 4 && secure(words(url, '/'))
    ? toLower(words(url, '/')[3]) == 'campaign' && isOrganization(words(url, '/')[2])
        ? 'https://${toLower(words(url, '/')[1])}/${words(url, '/')[2]}/campaign'
        : ''
    : ''

@export()
@description('Whether it is the URL of a journal: https, a host, a path.')
func isJournalUrl(url string) bool =>
  length(words(url, '/')) > 2 && secure(words(url, '/')) && only(
    toLower(trim(url)),
    'abcdefghijklmnopqrstuvwxyz0123456789-_.~/:?=&%+'
  )

func isNumber(text string) bool => !empty(text) && length(text) < 3 && only(text, '0123456789')

func isValue(text string, least int, most int, names string[]) bool =>
  isNumber(text) ? int(text) >= least && int(text) <= most : contains(names, toLower(text))

func isRange(text string, least int, most int, names string[]) bool =>
  text == '*' || length(split(text, '-')) < 3 && empty(filter(
    split(text, '-'),
    value => !isValue(value, least, most, names)
  ))

func isStep(text string) bool => isNumber(text) ? int(text) > 0 : false

func isItem(text string, least int, most int, names string[]) bool =>
  isRange(split(text, '/')[0], least, most, names) && (length(split(text, '/')) == 1 || length(split(text, '/')) == 2 && isStep(last(split(
    text,
    '/'
  ))))

func isField(text string, least int, most int, names string[]) bool =>
  empty(filter(split(text, ','), item => !isItem(item, least, most, names)))

func areFields(fields string[]) bool => isField(fields[0], 0, 59, []) && isField(fields[1], 0, 59, []) && isField(fields[2], 0, 23, []) && isField(fields[3], 1, 31, []) && isField(fields[4], 1, 12, ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']) && isField(fields[5], 0, 6, ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'])

@export()
@description('A schedule with one space between its fields. Empty if it is not NCRONTAB with six fields.')
func schedule(text string) string =>
  length(words(text, ' ')) == 6 ? areFields(words(text, ' ')) ? join(words(text, ' '), ' ') : '' : ''
