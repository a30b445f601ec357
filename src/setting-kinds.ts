/** Kinds of settings: how a value is written in the environment or a file, what is expected, and how it is shown. */
import { formatDuration, parseDuration } from './workflow/duration.ts'

export interface Setting<T> {
  readonly env: string
  readonly kind: Kind<T>
  readonly byDefault: T
  readonly about: string
}

export interface Kind<T> {
  /** What is expected, for errors and the table. */
  readonly expects: string
  read(value: string): T | undefined
  show(value: T): string
  /** Never shown; may be in a file of its own. */
  readonly isSecret?: true
}

export const text: Kind<string> = { expects: 'text', read: (value) => value, show: (value) => value }
export const textOrNone: Kind<string | null> = {
  expects: 'text',
  read: (value) => value || null,
  show: (value) => value ?? '',
}
export const registryUrl: Kind<string | null> = {
  expects: 'http://host:port/path or https://host:port/path, without a user: see registry.user',
  read: (value) =>
    value === '' ? null : /^https?:\/\/[^@\s]+$/.test(value) && URL.canParse(value) ? value : undefined,
  show: (value) => value ?? '',
}
export const secret: Kind<string | null> = { ...textOrNone, expects: 'text (secret)', isSecret: true }
export const databaseUrl: Kind<string | null> = {
  ...secret,
  expects: 'postgres://user:password@host:port/database, special characters of the password as %XX (secret)',
  read: (value) => (/^(?:postgres(?:ql)?|socket):/.test(value) && !URL.canParse(value) ? undefined : value || null),
}
export const list: Kind<readonly string[]> = {
  expects: 'a list, separated by commas',
  read: (value) => value.split(',').flatMap((item) => item.trim() || []),
  show: (value) => value.join(','),
}
export const brokers: Kind<readonly string[]> = {
  expects: 'host:port, several separated by commas',
  read: (value) => {
    const found = list.read(value) ?? []
    return found.every((broker) => /^[^\s:]+:\d{1,5}$|^\[[^\]]+\]:\d{1,5}$/.test(broker)) ? found : undefined
  },
  show: list.show,
}
export const flag: Kind<boolean> = {
  expects: 'true or false',
  read: (value) => ({ true: true, '1': true, false: false, '0': false })[value.toLowerCase()],
  show: String,
}
export const duration: Kind<number> = {
  expects: 'a duration such as 500ms, 10s, 1m',
  read: (value) => parseDuration(value) ?? undefined,
  show: formatDuration,
}

export function count(least: number, most: number): Kind<number> {
  return {
    expects: `a whole number from ${least} to ${most}`,
    read: (value) =>
      /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : undefined,
    show: String,
  }
}

export const httpUrl: Kind<string | null> = {
  expects: 'a URL such as http://collector:4318',
  read: (value) => (value === '' ? null : /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value) ? value : undefined),
  show: (value) => value ?? '',
}
export const share: Kind<number> = {
  expects: 'a number from 0 to 1',
  read: (value) => (value.trim() !== '' && Number(value) >= 0 && Number(value) <= 1 ? Number(value) : undefined),
  show: String,
}

export function listOf<Choice extends string>(choices: readonly Choice[]): Kind<readonly Choice[]> {
  return {
    expects: `some of ${choices.join(', ')}, separated by commas`,
    read: (value) => {
      const found = list.read(value) as readonly Choice[]
      return found.every((each) => choices.includes(each)) ? found : undefined
    },
    show: list.show,
  }
}

export function oneOf<Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return { expects: choices.join(' or '), read: (value) => choices.find((choice) => choice === value), show: String }
}

export const optionalOneOf = <Choice extends string>(...choices: readonly Choice[]): Kind<Choice | null> => ({
  expects: choices.join(', '),
  read: (value) => (value === '' ? null : choices.find((choice) => choice === value)),
  show: (value) => value ?? '',
})

export function setting<T>(env: string, kind: Kind<T>, byDefault: T, about: string): Setting<T> {
  return { env, kind, byDefault, about }
}
