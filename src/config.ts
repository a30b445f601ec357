/** The engine's configuration, read from the environment and `millrace.config.yaml`. */
import { existsSync, readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { EngineError, messageOf } from './base/error.ts'
import { secretFrom, secretIn, secretPrefix, takeNamedSecrets } from './base/secret.ts'
import type { Setting } from './setting-kinds.ts'
import { type Config, type SettingName, settings } from './settings.ts'
import { didYouMean } from './workflow/nearest.ts'

export type { Config }

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
    if (Object.hasOwn(settings, name) || isSecretFile(name)) continue
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
