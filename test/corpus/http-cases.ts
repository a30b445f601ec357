/** Bad requests to the HTTP door, byte by byte, each with the status that it is to be answered with; 0: the connection is closed without one. */

export interface HttpCase {
  readonly name: string
  /** What is sent, part after part; a number is a pause in milliseconds. */
  readonly sent: readonly (string | Buffer | number)[]
  readonly status: number
}

const crlf = '\r\n'

/** A request as it should be, but for what the case is about. */
function request(
  target: string,
  {
    method = 'POST',
    version = 'HTTP/1.1',
    headers = ['Host: door'],
    type = 'application/json',
    body = '{"n":1}',
    length = true,
  }: {
    method?: string
    version?: string
    headers?: readonly string[]
    type?: string | null
    body?: string | Buffer
    length?: boolean
  } = {},
): Buffer {
  const bytes = Buffer.from(body as string)
  const own = [
    ...headers,
    ...(type === null ? [] : [`Content-Type: ${type}`]),
    ...(length ? [`Content-Length: ${bytes.length}`] : []),
  ]
  return Buffer.concat([
    Buffer.from(`${method} ${target} ${version}${crlf}${own.join(crlf)}${crlf}${crlf}`, 'latin1'),
    bytes,
  ])
}

type Options = Parameters<typeof request>[1]
const open = '/films/7'
const cases: HttpCase[] = []

function bad(name: string, status: number, ...sent: HttpCase['sent']): void {
  cases.push({ name, status, sent })
}
const to = (target: string, status: number, options: Options = {}, name = `path ${target.slice(0, 60)}`) =>
  bad(name, status, request(target, options))
const head = (name: string, status: number, ...extra: string[]) =>
  bad(name, status, request(open, { headers: ['Host: door', ...extra] }))
const body = (
  name: string,
  status: number,
  value: string | Buffer,
  type: string | null = 'application/json',
  path = open,
) => bad(name, status, request(path, { body: value, type }))

// What stands behind a request has no answer that could be taken for its own.
const garbage = `garbage${crlf}${crlf}`
bad('a good request with garbage behind it', 202, Buffer.concat([request(open), Buffer.from(garbage)]))
bad('a good request, and garbage while it is answered', 202, request(open), garbage)
bad('a good request whose length is too short', 202, Buffer.concat([request(open), Buffer.from('}')]))
bad('a refused request with garbage behind it', 415, Buffer.concat([request(open, { type: '' }), Buffer.from(garbage)]))
bad('a DELETE whose body has no length', 405, request(open, { method: 'DELETE', length: false }))

// Paths that mean to be others.
for (const target of [
  '/',
  '/film',
  '/films',
  '/films/',
  '/films/7/',
  '/films//7',
  '//films/7',
  '/./films/7x/../..',
  '/films/../openapi.json',
  '/films/%2e%2e/x',
  '/films/7/..',
  '/films/7%2f8/9',
  '/FILMS/7',
  '/films;a/7',
  '/films%2f7',
  '/%66ilms%2F7',
  '/films/7/\\..\\x',
  '/transactions',
  '/transactions/',
  '/transactions/..%2f..%2fetc',
  '/transactions/none',
  '/transactions/%00',
  '/transactions/00000000-0000-8000-8000-000000000000',
  '/constructor',
  '/__proto__',
  '/films/7/__proto__',
  '/openapi.json/..',
])
  to(target, 404)
for (const target of ['/films/%', '/films/%f', '/films/%zz', '/films/%ff', '/films/%c0%ae', '/films/%ed%a0%80'])
  to(target, 400)
for (const target of ['films/7', '', '?x', ':80/films/7']) to(target, 400)
to('*', 404)
to(`/films/${'a'.repeat(5000)}`, 414, {}, 'a path of 5,000 characters')
to(`/films/7?${'a=1&'.repeat(1500)}`, 414, {}, 'a query of 6,000 characters')
to(`/films/${'%2e'.repeat(1000)}`, 404, {}, 'a name of a thousand dots')

// Methods and versions.
for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND'])
  to(open, 405, { method }, `method ${method}`)
for (const method of ['BREW', 'post', 'POSTT', 'P\u0000ST', ''])
  to(open, 400, { method }, `method ${JSON.stringify(method)}`)
to(open, 0, { method: 'CONNECT' }, 'method CONNECT')
to(open, 204, { method: 'OPTIONS' }, 'method OPTIONS')
for (const version of ['HTTP/0.9', 'HTTP/2.0']) to(open, 505, { version }, `version ${version}`)
for (const version of ['HTTP/1.2', 'HTTP/9.9', 'HTTP/1', 'http/1.1', 'FTP/1.1', ''])
  to(open, 400, { version }, `version ${JSON.stringify(version)}`)
bad('the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
bad('the greeting of TLS', 400, Buffer.from('16030100050100000100', 'hex'))
bad('bytes of chance', 400, Buffer.from('8f3a00ff1c7e9d2b', 'hex'))
bad('lines that end early', 400, `POST ${open} HTTP/1.1\nHost: door\nContent-Length: 0\n\n`)

// Headers.
bad('no host', 400, request(open, { headers: [] }))
head('two hosts', 400, 'Host: other')
head('a name with a space', 400, 'Bad Name: x')
head('a name that is empty', 400, ': x')
head('a name in another script', 400, 'naïve: x')
head('a line without a colon', 400, 'nothing')
head('a line that is folded', 400, 'X-Folded: a\r\n b')
head('a NUL in a value', 400, 'X-Nul: a\u0000b')
head('a line feed in a value', 400, 'X-Split: a\nX-Other b')
head('201 headers', 431, ...Array.from({ length: 201 }, (_, at) => `X-${at}: 1`))
head('one header of 20 KiB', 431, `X-Long: ${'a'.repeat(20_480)}`)
head('cookies of 20 KiB', 431, `Cookie: ${'a=b; '.repeat(4096)}`)
head('two lengths', 400, 'Content-Length: 3')
head('a length and chunks', 400, 'Transfer-Encoding: chunked')
for (const length of ['-1', '+1', '1e1', '0x7', '7, 7', '7 7', '99999999999999999999', ''])
  bad(
    `length ${JSON.stringify(length)}`,
    400,
    request(open, { length: false, headers: ['Host: door', `Content-Length: ${length}`] }),
  )
for (const coding of ['gzip', 'chunked, gzip', 'identity', 'xchunked'])
  bad(
    `coding ${coding}`,
    400,
    request(open, { length: false, headers: ['Host: door', `Transfer-Encoding: ${coding}`] }),
  )
const chunked = (text: string) =>
  request(open, { length: false, headers: ['Host: door', 'Transfer-Encoding: chunked'], body: text })
for (const [name, text] of [
  ['a size that is none', 'zz\r\n{}\r\n0\r\n\r\n'],
  ['a size below nothing', '-2\r\n{}\r\n0\r\n\r\n'],
  ['a size beyond all', 'ffffffffffffffffff\r\n{}\r\n0\r\n\r\n'],
  ['a chunk longer than it says', '1\r\n{}\r\n0\r\n\r\n'],
] as const)
  bad(`chunks: ${name}`, 400, chunked(text))
bad('chunks: extensions without end', 400, chunked(`2;${'x'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`))
head('expects what nobody can', 417, 'Expect: miracles')
head('wants to be another protocol with a body', 202, 'Connection: Upgrade', 'Upgrade: h2c')

// Sizes and kinds of bodies.
bad('a body above the limit by its length', 413, request(open, { body: `"${'a'.repeat(2048)}"` }))
bad('a body above the limit in chunks', 413, chunked(`1000\r\n${'a'.repeat(4096)}\r\n0\r\n\r\n`))
bad(
  'a length above the limit, and nothing',
  413,
  request(open, { body: '', length: false, headers: ['Host: door', 'Content-Length: 1073741824'] }),
)
for (const coding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, identity', 'x'])
  head(`a body in ${coding}`, 415, `Content-Encoding: ${coding}`)
for (const type of [
  'text/html',
  'multipart/form-data; boundary=x',
  'application/pdf',
  'application/x-www-form-urlencodedd',
  'image/svg',
  'a',
  'json',
  '*/*',
])
  body(`type ${type}`, 415, '{}', type)

// JSON that is none, or that is not to be stored.
for (const [name, text] of [
  ['nothing but a brace', '{'],
  ['cut in a text', '{"n":"a'],
  ['cut in a number', '{"n":1.'],
  ['a comma at the end', '{"n":1,}'],
  ['single quotes', "{'n':1}"],
  ['a comment', '{"n":1} // x'],
  ['two values', '{} {}'],
  ['not a number', '{"n":NaN}'],
  ['infinity', '{"n":Infinity}'],
  ['a leading zero', '{"n":01}'],
  ['hexadecimal', '{"n":0x1}'],
  ['undefined', '{"n":undefined}'],
  ['a bare name', '{n:1}'],
  ['a line feed in a text', '{"n":"a\nb"}'],
  ['a bad escape', '{"n":"\\x41"}'],
  ['half an escape', '{"n":"\\u12"}'],
  ['XML', '<n>1</n>'],
  ['YAML', 'n: 1'],
  ['white space', '   '],
] as const)
  body(`JSON: ${name}`, 400, text)
body('JSON: bytes that are no UTF-8', 400, Buffer.from('7b226e223a22ff227d', 'hex'))
body('JSON: UTF-16', 400, Buffer.from('{"n":1}', 'utf16le'))
body('JSON: an overlong slash', 400, Buffer.from('7b226e223a22c0af227d', 'hex'))
body('JSON: a NUL escaped', 422, '{"n":"\\u0000"}')
body('JSON: half a character', 422, '{"n":"\\ud800"}')
body('JSON: 400 lists deep', 422, `${'['.repeat(400)}${']'.repeat(400)}`)
body('JSON: a number of 1,001 digits', 422, `{"n":${'9'.repeat(1001)}}`)

// What does not fit the route's format or schema.
const schemaPath = '/checked'
for (const text of [
  '{}',
  '{"n":"1"}',
  '{"n":1,"more":1}',
  '[]',
  'null',
  '"n"',
  '{"n":-1}',
  '{"__proto__":{"n":1}}',
  '{"constructor":{"n":1}}',
])
  body(`schema: ${text}`, 422, text, 'application/json', schemaPath)
const xml = '/xml'
for (const [name, text] of [
  ['JSON', '{}'],
  ['cut', '<a>'],
  ['two roots', '<a/><b/>'],
  ['a DOCTYPE', '<!DOCTYPE a><a/>'],
  ['an entity of a file', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'],
  ['a billion laughs', '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'],
  ['an entity nobody knows', '<a>&e;</a>'],
  ['attributes twice', '<a b="1" b="2"/>'],
  ['UTF-16 by its word', '<?xml version="1.0" encoding="UTF-16"?><a/>'],
  ['an instruction first', '<?php echo 1 ?>'],
] as const)
  body(`XML: ${name}`, 400, text, 'application/xml', xml)

// CloudEvents.
const event = { specversion: '1.0', id: '1', type: 't', source: 's', data: {} }
const structured = (name: string, value: unknown, status = 400) =>
  body(`CloudEvents: ${name}`, status, JSON.stringify(value), 'application/cloudevents+json')
structured('a list', [event])
structured('nothing', null)
for (const name of ['id', 'type', 'source', 'specversion'] as const) {
  const { [name]: _, ...others } = event
  structured(`without ${name}`, others)
  structured(`${name} is empty`, { ...event, [name]: '' })
  structured(`${name} is a number`, { ...event, [name]: 1 })
}
structured('of version 0.3', { ...event, specversion: '0.3' })
structured('a time that is none', { ...event, time: 'yesterday' })
structured('data twice', { ...event, data_base64: 'e30=' })
structured('data_base64 that is none', { specversion: '1.0', id: '1', type: 't', source: 's', data_base64: '%%%' })
const batch = (name: string, text: string, status = 400) =>
  body(`batch: ${name}`, status, text, 'application/cloudevents-batch+json')
batch('empty', '[]')
batch('no list', JSON.stringify(event))
batch('of one that is none', JSON.stringify([1]))
batch('of 6 where 5 are taken', JSON.stringify(Array(6).fill(event)), 413)
batch('the last one is bad', JSON.stringify([event, { ...event, id: '' }]))
const binary = (name: string, ...headers: string[]) => head(`CloudEvents headers: ${name}`, 400, ...headers)
binary('the id alone', 'ce-id: 1')
binary('no type', 'ce-id: 1', 'ce-source: s', 'ce-specversion: 1.0')
binary('percent signs that are none', 'ce-id: %zz', 'ce-type: t', 'ce-source: s', 'ce-specversion: 1.0')
binary('another version', 'ce-id: 1', 'ce-type: t', 'ce-source: s', 'ce-specversion: 9')

// Keys, credentials, and who means to be somebody else.
for (const [name, key] of [
  ['empty', ''],
  ['of 256 characters', 'k'.repeat(256)],
  ['in another script', 'schlüssel'],
  ['with a tab', 'a\tb'],
] as const)
  head(`Idempotency-Key: ${name}`, 400, `Idempotency-Key: ${key}`)
head('Idempotency-Key: two', 400, 'Idempotency-Key: a', 'Idempotency-Key: b')
const guarded = (name: string, ...headers: string[]) =>
  bad(`credentials: ${name}`, 401, request('/guarded', { headers: ['Host: door', ...headers] }))
guarded('none')
guarded('wrong', 'X-Api-Key: wrong')
guarded('two, one of them good', 'X-Api-Key: good', 'X-Api-Key: wrong')
guarded('in another case', 'X-Api-Key: GOOD')
guarded('with something behind', 'X-Api-Key: good,good')
guarded('in another header', 'Authorization: good')
guarded('in the query only')
guarded('a stamp of the door, made up', 'Millrace-Door: AQIDBA==')
guarded('a header of ours, made up', 'Millrace-Http: {"method":"POST"}', 'X-Principal: ann')

// Too slow, and gone in the middle.
bad('slow headers', 408, `POST ${open} HTTP/1.1\r\nHost: do`, 2500)
bad(
  'a slow body',
  408,
  `POST ${open} HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"n"`,
  2500,
)
bad('nothing at all', 0)
bad('gone in the headers', 400, `POST ${open} HTTP/1.1\r\nHos`)

export const httpCases: readonly HttpCase[] = cases
