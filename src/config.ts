/**
 * Every setting of the engine, in one table: its place in `millrace.config.yaml`, its environment variable (which wins),
 * its unit, its default, and what it is for. `docs/configuration.md` is made of it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { EngineError, messageOf } from './base/error.ts'
import { secretFrom, secretIn, secretPrefix, takeNamedSecrets } from './base/secret.ts'
import { metricExporters, samplerNames } from './telemetry/options.ts'
import { formatDuration, parseDuration } from './workflow/duration.ts'
import { didYouMean } from './workflow/nearest.ts'

export interface Setting<T> {
  readonly env: string
  readonly kind: Kind<T>
  readonly byDefault: T
  readonly about: string
}

interface Kind<T> {
  /** What is expected, for errors and the table. */
  readonly expects: string
  read(value: string): T | undefined
  show(value: T): string
  /** Never shown; may be in a file of its own. */
  readonly isSecret?: true
}

const text: Kind<string> = { expects: 'text', read: (value) => value, show: (value) => value }
const textOrNone: Kind<string | null> = {
  expects: 'text',
  read: (value) => value || null,
  show: (value) => value ?? '',
}
const registryUrl: Kind<string | null> = {
  expects: 'http://host:port/path or https://host:port/path, without a user: see registry.user',
  read: (value) =>
    value === '' ? null : /^https?:\/\/[^@\s]+$/.test(value) && URL.canParse(value) ? value : undefined,
  show: (value) => value ?? '',
}
const secret: Kind<string | null> = { ...textOrNone, expects: 'text (secret)', isSecret: true }
const databaseUrl: Kind<string | null> = {
  ...secret,
  expects: 'postgres://user:password@host:port/database, special characters of the password as %XX (secret)',
  read: (value) => (/^(?:postgres(?:ql)?|socket):/.test(value) && !URL.canParse(value) ? undefined : value || null),
}
const list: Kind<readonly string[]> = {
  expects: 'a list, separated by commas',
  read: (value) => value.split(',').flatMap((item) => item.trim() || []),
  show: (value) => value.join(','),
}
const brokers: Kind<readonly string[]> = {
  expects: 'host:port, several separated by commas',
  read: (value) => {
    const found = list.read(value) ?? []
    return found.every((broker) => /^[^\s:]+:\d{1,5}$|^\[[^\]]+\]:\d{1,5}$/.test(broker)) ? found : undefined
  },
  show: list.show,
}
const flag: Kind<boolean> = {
  expects: 'true or false',
  read: (value) => ({ true: true, '1': true, false: false, '0': false })[value.toLowerCase()],
  show: String,
}
const duration: Kind<number> = {
  expects: 'a duration such as 500ms, 10s, 1m',
  read: (value) => parseDuration(value) ?? undefined,
  show: formatDuration,
}

function count(least: number, most: number): Kind<number> {
  return {
    expects: `a whole number from ${least} to ${most}`,
    read: (value) =>
      /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : undefined,
    show: String,
  }
}

const httpUrl: Kind<string | null> = {
  expects: 'a URL such as http://collector:4318',
  read: (value) => (value === '' ? null : /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value) ? value : undefined),
  show: (value) => value ?? '',
}
const share: Kind<number> = {
  expects: 'a number from 0 to 1',
  read: (value) => (value.trim() !== '' && Number(value) >= 0 && Number(value) <= 1 ? Number(value) : undefined),
  show: String,
}

function listOf<Choice extends string>(choices: readonly Choice[]): Kind<readonly Choice[]> {
  return {
    expects: `some of ${choices.join(', ')}, separated by commas`,
    read: (value) => {
      const found = list.read(value) as readonly Choice[]
      return found.every((each) => choices.includes(each)) ? found : undefined
    },
    show: list.show,
  }
}

function oneOf<Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return { expects: choices.join(' or '), read: (value) => choices.find((choice) => choice === value), show: String }
}

const optionalOneOf = <Choice extends string>(...choices: readonly Choice[]): Kind<Choice | null> => ({
  expects: choices.join(', '),
  read: (value) => (value === '' ? null : choices.find((choice) => choice === value)),
  show: (value) => value ?? '',
})

function setting<T>(env: string, kind: Kind<T>, byDefault: T, about: string): Setting<T> {
  return { env, kind, byDefault, about }
}

const mib = 1024 * 1024

export const settings = {
  engine: setting(
    'MILLRACE_ENGINE',
    text,
    'millrace',
    'The name of the engine: its consumer group, and part of its lanes and ids.',
  ),
  'kafka.brokers': setting(
    'KAFKA_BROKERS',
    brokers,
    [],
    'Brokers as host:port. `dev` and `npm run demo` start one of their own without it.',
  ),
  'kafka.clientId': setting('KAFKA_CLIENT_ID', text, 'millrace', 'How the engine names itself to the brokers.'),
  'kafka.tls': setting('KAFKA_TLS', flag, false, 'Speak TLS to the brokers.'),
  'kafka.tlsCaFile': setting(
    'KAFKA_TLS_CA_FILE',
    textOrNone,
    null,
    'PEM file of the authority that signed the brokers’ certificates.',
  ),
  'kafka.tlsCertFile': setting('KAFKA_TLS_CERT_FILE', textOrNone, null, 'PEM file of the client certificate.'),
  'kafka.tlsKeyFile': setting('KAFKA_TLS_KEY_FILE', textOrNone, null, 'PEM file of the client certificate’s key.'),
  'kafka.saslMechanism': setting(
    'KAFKA_SASL_MECHANISM',
    optionalOneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'),
    null,
    'How to log in to the brokers.',
  ),
  'kafka.saslUsername': setting('KAFKA_SASL_USERNAME', textOrNone, null, 'User for SASL.'),
  'kafka.saslPassword': setting('KAFKA_SASL_PASSWORD', secret, null, 'Password for SASL.'),
  'kafka.oauth.tokenUrl': setting(
    'KAFKA_OAUTH_TOKEN_URL',
    textOrNone,
    null,
    'Where tokens for `oauthbearer` come from: the token endpoint of an OAuth 2 server.',
  ),
  'kafka.oauth.clientId': setting('KAFKA_OAUTH_CLIENT_ID', textOrNone, null, 'The engine’s name at that endpoint.'),
  'kafka.oauth.clientSecret': setting('KAFKA_OAUTH_CLIENT_SECRET', secret, null, 'Its secret there.'),
  'kafka.oauth.scope': setting('KAFKA_OAUTH_SCOPE', textOrNone, null, 'What the token is to be for, if anything.'),
  'kafka.oauth.tlsCaFile': setting(
    'KAFKA_OAUTH_TLS_CA_FILE',
    textOrNone,
    null,
    'PEM file of the authority that signed that endpoint’s certificate.',
  ),
  'kafka.sessionTimeout': setting(
    'KAFKA_SESSION_TIMEOUT',
    duration,
    6000,
    'A coordinator that is not heard of for so long loses its partitions.',
  ),
  'postgres.url': setting(
    'DATABASE_URL',
    databaseUrl,
    null,
    '`sslmode`, `sslrootcert`, `sslcert` and `sslkey` in it say how TLS is used: [security.md](security.md). `dev` and `npm run demo` start one of their own without it.',
  ),
  'postgres.connectionsMax': setting('DATABASE_CONNECTIONS_MAX', count(2, 100), 4, 'Connections of one coordinator.'),
  'postgres.answerTimeout': setting('DATABASE_ANSWER_TIMEOUT', duration, 30_000, 'No answer for so long is an outage.'),
  'registry.url': setting(
    'SCHEMA_REGISTRY_URL',
    registryUrl,
    null,
    'Where the API of a schema registry begins, as Confluent’s speaks it. `dev --registry` starts one of its own without it.',
  ),
  'registry.user': setting('SCHEMA_REGISTRY_USER', textOrNone, null, 'User of the registry, where it asks for one.'),
  'registry.password': setting('SCHEMA_REGISTRY_PASSWORD', secret, null, 'Password of that user.'),
  'registry.tlsCaFile': setting(
    'SCHEMA_REGISTRY_TLS_CA_FILE',
    textOrNone,
    null,
    'PEM file of the authority that signed the registry’s certificate.',
  ),
  'registry.tlsCertFile': setting(
    'SCHEMA_REGISTRY_TLS_CERT_FILE',
    textOrNone,
    null,
    'PEM file of the client certificate for the registry.',
  ),
  'registry.tlsKeyFile': setting(
    'SCHEMA_REGISTRY_TLS_KEY_FILE',
    textOrNone,
    null,
    'PEM file of that certificate’s key.',
  ),
  'registry.answerTimeout': setting(
    'SCHEMA_REGISTRY_ANSWER_TIMEOUT',
    duration,
    10_000,
    'No answer of the registry for so long is an outage.',
  ),
  sealKey: setting(
    'MILLRACE_SEAL_KEY',
    secret,
    null,
    'Seals secret fields, the credentials of dead letters, and what the HTTP door says of its events. Workflows with `auth` or `classify` are refused without it. The same for all coordinators of an engine.',
  ),
  'secrets.dir': setting(
    'MILLRACE_SECRETS_DIR',
    textOrNone,
    null,
    'Folder of secrets, one file for each, by its name. An environment variable MILLRACE_SECRET_<NAME> goes before it.',
  ),
  handoverTimeout: setting(
    'MILLRACE_HANDOVER_TIMEOUT',
    duration,
    2000,
    'How long attempts under way may take to end in a lane that goes to another coordinator.',
  ),
  'outbox.keep': setting(
    'MILLRACE_OUTBOX_KEEP',
    duration,
    24 * 60 * 60 * 1000,
    'Published messages stay in `millrace.outbox` for so long.',
  ),
  startTimeout: setting(
    'MILLRACE_START_TIMEOUT',
    duration,
    60_000,
    'How long Kafka and Postgres may be away at the start.',
  ),
  drainTimeout: setting(
    'MILLRACE_DRAIN_TIMEOUT',
    duration,
    10_000,
    'How long attempts under way may take to end after SIGTERM.',
  ),
  'http.host': setting('MILLRACE_HTTP_HOST', text, '0.0.0.0', 'Where `/healthz` and `/readyz` listen.'),
  'http.port': setting(
    'MILLRACE_HTTP_PORT',
    count(0, 65535),
    8080,
    'Port of `/healthz` and `/readyz`; 0 takes a free one.',
  ),
  'door.host': setting(
    'MILLRACE_DOOR_HOST',
    text,
    '0.0.0.0',
    'Where the HTTP door listens: it does as soon as a workflow has `on.http`.',
  ),
  'door.port': setting('MILLRACE_DOOR_PORT', count(0, 65535), 8088, 'Port of the HTTP door; 0 takes a free one.'),
  'door.url': setting(
    'MILLRACE_DOOR_URL',
    text,
    '',
    'How clients reach the door, such as `https://api.example.com`, for the status URLs it gives. Without it they have a path alone.',
  ),
  'door.tlsCertFile': setting(
    'MILLRACE_DOOR_TLS_CERT_FILE',
    textOrNone,
    null,
    'PEM file of the door’s certificate: it speaks HTTPS then. Read again when it changes.',
  ),
  'door.tlsKeyFile': setting('MILLRACE_DOOR_TLS_KEY_FILE', textOrNone, null, 'PEM file of the certificate’s key.'),
  'door.clientCaFile': setting(
    'MILLRACE_DOOR_CLIENT_CA_FILE',
    textOrNone,
    null,
    'PEM file of the authorities that sign the certificates of clients, which are asked for then.',
  ),
  'door.trustedProxies': setting(
    'MILLRACE_DOOR_TRUSTED_PROXIES',
    list,
    [],
    'Addresses or networks of proxies before the door: only what these say in `Forwarded` or `X-Forwarded-For` of who asks is believed.',
  ),
  'door.corsOrigins': setting(
    'MILLRACE_DOOR_CORS_ORIGINS',
    list,
    [],
    'Origins whose web pages may call the door, such as `https://films.example.com`; `*` is all.',
  ),
  'door.requestsMax': setting(
    'MILLRACE_DOOR_REQUESTS_MAX',
    count(1, 100_000),
    2000,
    'Requests under way at once in one coordinator, those that wait for a result apart; more are refused with 503.',
  ),
  'door.topicPartitions': setting(
    'MILLRACE_DOOR_TOPIC_PARTITIONS',
    count(1, 1000),
    6,
    'Partitions of a topic of `on.http` that the engine makes because it is missing.',
  ),
  'functions.env': setting(
    'MILLRACE_FUNCTIONS_ENV',
    list,
    [],
    'Environment variables that functions may see, besides PATH, HOME, LANG, LC_*, TZ and TMPDIR.',
  ),
  'functions.processesMax': setting(
    'MILLRACE_FUNCTIONS_PROCESSES_MAX',
    count(1, 1000),
    32,
    'Worker processes of all functions together.',
  ),
  'functions.idle': setting(
    'MILLRACE_FUNCTIONS_IDLE',
    duration,
    60_000,
    'A worker process without work goes after this.',
  ),
  'functions.heapMb': setting(
    'MILLRACE_FUNCTIONS_HEAP_MB',
    count(32, 65536),
    256,
    'JavaScript heap of one worker process, in MiB.',
  ),
  'functions.rssMb': setting(
    'MILLRACE_FUNCTIONS_RSS_MB',
    count(64, 262144),
    512,
    'Resident memory at which a worker process is killed, in MiB (Linux).',
  ),
  'limits.runningMax': setting(
    'MILLRACE_RUNNING_MAX',
    count(1, 100_000),
    2000,
    'Transactions that run at once in one coordinator.',
  ),
  'limits.queuedMax': setting(
    'MILLRACE_QUEUED_MAX',
    count(1, 10_000_000),
    1_000_000,
    'Transactions that stand behind their key in one lane before its partition is paused.',
  ),
  'limits.valueBytesMax': setting(
    'MILLRACE_VALUE_BYTES_MAX',
    count(1024, 64 * mib),
    mib,
    'A larger record value is a dead letter, in bytes.',
  ),
  'log.level': setting(
    'MILLRACE_LOG_LEVEL',
    oneOf('debug', 'info', 'warn', 'error'),
    'info',
    'The least that is logged.',
  ),
  'log.format': setting(
    'MILLRACE_LOG_FORMAT',
    oneOf('auto', 'json', 'text'),
    'auto',
    'JSON lines, text for people, or text only on a terminal.',
  ),
  'log.functions': setting(
    'MILLRACE_LOG_FUNCTIONS',
    flag,
    false,
    'Log what functions write, too. It is in `millrace.attempts` in any case.',
  ),
  'telemetry.traces': setting(
    'OTEL_TRACES_EXPORTER',
    optionalOneOf('otlp', 'console', 'none'),
    null,
    'Where traces go. Without it: `otlp` where an endpoint is set, else nowhere. See [telemetry.md](telemetry.md).',
  ),
  'telemetry.metrics': setting(
    'OTEL_METRICS_EXPORTER',
    listOf(metricExporters),
    [],
    'Where metrics go; `prometheus` answers at `/metrics`, beside `/healthz`. Without it as for traces.',
  ),
  'telemetry.endpoint': setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    httpUrl,
    null,
    'Base URL of an OTLP receiver, without `/v1/traces`.',
  ),
  'telemetry.headers': setting(
    'OTEL_EXPORTER_OTLP_HEADERS',
    secret,
    null,
    'Headers for the receiver: `name=value`, several separated by commas.',
  ),
  'telemetry.protocol': setting(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    oneOf('http/protobuf', 'http/json'),
    'http/protobuf',
    'How OTLP is written.',
  ),
  'telemetry.service': setting('OTEL_SERVICE_NAME', text, 'millrace', 'How the engine names itself in telemetry.'),
  'telemetry.sampler': setting(
    'OTEL_TRACES_SAMPLER',
    oneOf(...samplerNames),
    'parentbased_always_on',
    'Which traces are told. `parentbased_` follows what came with the event.',
  ),
  'telemetry.samplerArg': setting('OTEL_TRACES_SAMPLER_ARG', share, 1, 'The share of a `traceidratio` sampler.'),
  'telemetry.exportInterval': setting(
    'OTEL_METRIC_EXPORT_INTERVAL',
    count(100, 3_600_000),
    60_000,
    'How often metrics are sent by OTLP, in milliseconds.',
  ),
  'telemetry.disabled': setting('OTEL_SDK_DISABLED', flag, false, 'Turns all of it off.'),
} as const

export type SettingName = keyof typeof settings
export type Config = { readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never }

export const configFileName = 'millrace.config.yaml'

/**
 * Environment over file over `defaults` over the table's. Throws `EngineError` `config_invalid`, naming the variable or
 * the line's key.
 */
export function loadConfig(
  env: NodeJS.ProcessEnv = process.env,
  file: string = configFileName,
  defaults: Partial<Config> = {},
): Config {
  takeNamedSecrets(env)
  const fromFile = existsSync(file) ? readFile(file) : new Map<string, string>()
  for (const name of fromFile.keys()) {
    if (name in settings || isSecretFile(name)) continue
    throw invalid(
      `${file}: unknown setting ${name}; ${didYouMean(name, Object.keys(settings), 'see docs/configuration.md')}`,
    )
  }
  const entries = Object.entries(settings).map(([name, each]) => [
    name,
    valueFor({ ...(each as Setting<unknown>), ...defaultOf(defaults, name) }, name, env, fromFile, file),
  ])
  const config = Object.fromEntries(entries) as Config
  checkFunctionsEnv(config['functions.env'])
  return config
}

/** What functions may see is listed by name: never a secret of the engine's. */
function checkFunctionsEnv(names: readonly string[]): void {
  const secrets = Object.values<Setting<unknown>>(settings).flatMap(({ kind, env }) => (kind.isSecret ? [env] : []))
  const listed = names.find((name) => secrets.includes(name) || name.startsWith(secretPrefix))
  if (listed === undefined) return
  throw invalid(
    `MILLRACE_FUNCTIONS_ENV: ${listed} is a secret of the engine; functions that need it get it by another name`,
  )
}

function defaultOf(defaults: Partial<Config>, name: string): { byDefault?: unknown } {
  return name in defaults ? { byDefault: defaults[name as SettingName] } : {}
}

function valueFor(
  each: Setting<unknown>,
  name: string,
  env: NodeJS.ProcessEnv,
  fromFile: ReadonlyMap<string, string>,
  file: string,
): unknown {
  const raw = fromEnvironment(each, env) ?? fromFileOf(each, name, fromFile, file)
  if (raw === undefined) return each.byDefault
  const value = each.kind.read(raw)
  if (value !== undefined) return value
  const where = fromEnvironment(each, env) === undefined ? `${file}: ${name}` : each.env
  const shown = each.kind.isSecret ? '(hidden)' : JSON.stringify(raw)
  throw invalid(`${where}: ${shown} is not valid, expected ${each.kind.expects}`)
}

function fromEnvironment(each: Setting<unknown>, env: NodeJS.ProcessEnv): string | undefined {
  return each.kind.isSecret ? secretFrom(env, each.env) : env[each.env] || undefined
}

/** A secret may be in a file of its own there, too: `sealKeyFile` beside `sealKey`. */
function fromFileOf(
  each: Setting<unknown>,
  name: string,
  fromFile: ReadonlyMap<string, string>,
  file: string,
): string | undefined {
  const path = each.kind.isSecret ? fromFile.get(`${name}File`) : undefined
  return path === undefined ? fromFile.get(name) : secretIn(path, `${file}: ${name}File`)
}

function isSecretFile(name: string): boolean {
  const setting: Setting<unknown> | undefined = settings[name.replace(/File$/, '') as SettingName]
  return name.endsWith('File') && setting?.kind.isSecret === true
}

/** Nested maps become dotted names; lists become text, as in the environment. */
function readFile(file: string): Map<string, string> {
  try {
    const flat = new Map<string, string>()
    flatten(parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 0 }) ?? {}, '', flat)
    return flat
  } catch (cause) {
    throw invalid(`${file}: ${messageOf(cause)}`)
  }
}

function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (value === null || typeof value !== 'object') into.set(path, String(value ?? ''))
  else if (Array.isArray(value)) into.set(path, value.join(','))
  else for (const [name, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${name}` : name, into)
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', message)
}
