/**
 * One real Kafka with a listener for each way to it: TLS, TLS with certificates of clients, a login over TLS by every
 * mechanism, one whose certificate has expired, and the plain one. Its certificates are for the name `localhost` alone.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaAnswers } from '../../src/local/ask.ts'
import { findJava } from '../../src/local/java.ts'
import { newClusterId } from '../../src/local/kafka.ts'
import { kafkaJars } from '../../src/local/kafka-jars.ts'
import { kafkaSettings } from '../../src/local/kafka-settings.ts'
import { launch } from '../../src/local/launch.ts'
import { type Program, runToEnd } from '../../src/local/leash.ts'
import { atEnd } from '../support/at-end.ts'
import type { Authority, Pair } from '../support/certificates.ts'

export const listeners = ['tls', 'mtls', 'login', 'expired'] as const
export type Listener = (typeof listeners)[number]

export interface EncryptedKafka {
  readonly ports: Readonly<Record<Listener | 'plain', number>>
}

/** A session is over after this, whatever it was begun with: clients log in again while they are at work. */
export const sessionMsMax = 12_000

export interface KafkaWishes {
  /** Signs the servers' certificates. */
  readonly authority: Authority
  /** Their certificates of clients are taken. */
  readonly clients: readonly Authority[]
  readonly user: { readonly name: string; readonly password: string }
  /** The keys that tokens are signed with (JWKS, JSON), whom they are from and for. */
  readonly tokens: { readonly jwks: string; readonly issuer: string; readonly audience: string }
}

export async function startEncryptedKafka(wishes: KafkaWishes): Promise<EncryptedKafka> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  atEnd(() => rmSync(dir, { recursive: true, force: true }))
  const files = await writeFiles(dir, wishes)
  const java = await findJava()
  const { classpath } = await kafkaJars()
  const program = (name: string, args: string[]): Program => ({
    name,
    command: java.command,
    args: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${files.jwks}`, ...jvm, '-cp', classpath, ...args],
    env: { PATH: process.env.PATH },
    cwd: dir,
    logFile: join(dir, `${name}.log`),
    stopSignal: 'TERM',
    graceMs: 4000,
  })
  await format(dir, wishes, program)
  const settings = join(dir, 'server.properties')
  const { server, ports } = await launch(
    { dataDir: dir },
    2 + listeners.length,
    ([plain = 0, controller = 0, ...others]) => {
      const text = kafkaSettings(join(dir, 'logs'), plain, controller)
      writeFileSync(settings, text + textOf(encrypted(plain, controller, others, files, wishes)))
      return program('kafka', ['kafka.Kafka', settings])
    },
    async ([plain = 0, , ...others]) =>
      (await kafkaAnswers(plain)) && (await Promise.all(others.map(isOpen))).every(Boolean),
    () => undefined,
  )
  atEnd(() => server.stop())
  const [plain = 0, , ...others] = ports
  return {
    ports: {
      plain,
      ...(Object.fromEntries(listeners.map((name, at) => [name, others[at]])) as Record<Listener, number>),
    },
  }
}

const jvm = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.apache.logging.log4j.level=WARN']

/** Its listeners open one after the other. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** Users of SCRAM are in the storage from the beginning. */
async function format(
  dir: string,
  { user }: KafkaWishes,
  program: (name: string, args: string[]) => Program,
): Promise<void> {
  const settings = join(dir, 'format.properties')
  writeFileSync(settings, kafkaSettings(join(dir, 'formatting'), 1, 2))
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${user.name},password=${user.password}]`,
  ])
  await runToEnd(
    program('format', ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', settings, ...scram]),
  )
  renameSync(join(dir, 'formatting'), join(dir, 'logs'))
}

interface Files {
  readonly server: string
  readonly expired: string
  readonly clients: string
  readonly jwks: string
}

async function writeFiles(dir: string, { authority, clients, tokens }: KafkaWishes): Promise<Files> {
  mkdirSync(join(dir, 'tls'))
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, 'tls', name), text)
    return join(dir, 'tls', name)
  }
  const whole = ({ cert, key }: Pair) => `${key}${cert}\n${authority.pem}\n`
  const hosts = ['localhost']
  return {
    server: put('server.pem', whole(await authority.sign({ name: 'kafka', hosts }))),
    expired: put('expired.pem', whole(await authority.sign({ name: 'kafka', hosts, fromDays: -3, toDays: -1 }))),
    clients: put('clients.pem', clients.map(({ pem }) => `${pem}\n`).join('')),
    jwks: put('jwks.json', tokens.jwks),
  }
}

type Settings = Readonly<Record<string, string | number>>

function encrypted(plain: number, controller: number, ports: number[], files: Files, wishes: KafkaWishes): Settings {
  const names = listeners.map((name) => name.toUpperCase())
  const at = (host: string) => names.map((name, index) => `${name}://${host}:${ports[index]}`)
  const protocols = names.map((name) => `${name}:${name === 'LOGIN' ? 'SASL_SSL' : 'SSL'}`)
  return {
    listeners: [`PLAINTEXT://127.0.0.1:${plain}`, `CONTROLLER://127.0.0.1:${controller}`, ...at('127.0.0.1')].join(','),
    'advertised.listeners': [`PLAINTEXT://127.0.0.1:${plain}`, ...at('localhost')].join(','),
    'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...protocols].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': files.server,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': files.clients,
    'listener.name.expired.ssl.keystore.type': 'PEM',
    'listener.name.expired.ssl.keystore.location': files.expired,
    'listener.name.mtls.ssl.client.auth': 'required',
    ...logins(files, wishes),
  }
}

function logins({ jwks }: Files, { user, tokens }: KafkaWishes): Settings {
  const modules = 'org.apache.kafka.common.security'
  const login = 'listener.name.login'
  return {
    [`${login}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${login}.connections.max.reauth.ms`]: sessionMsMax,
    [`${login}.plain.sasl.jaas.config`]: `${modules}.plain.PlainLoginModule required user_${user.name}="${user.password}";`,
    [`${login}.scram-sha-256.sasl.jaas.config`]: `${modules}.scram.ScramLoginModule required;`,
    [`${login}.scram-sha-512.sasl.jaas.config`]: `${modules}.scram.ScramLoginModule required;`,
    [`${login}.oauthbearer.sasl.jaas.config`]: `${modules}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${login}.oauthbearer.sasl.server.callback.handler.class`]: `${modules}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'sasl.oauthbearer.jwks.endpoint.url': `file://${jwks}`,
    'sasl.oauthbearer.expected.issuer': tokens.issuer,
    'sasl.oauthbearer.expected.audience': tokens.audience,
  }
}

/** Of two lines with one name Java reads the second. */
function textOf(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
