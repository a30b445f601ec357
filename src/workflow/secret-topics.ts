/** What is secret in a topic's events for one workflow must be so for all that take them: each keeps what it takes. */
import { isWithin, type SecretPath } from '../envelope/secret-path.ts'
import { finding, type Problem } from './problem.ts'

/** A topic whose events a workflow takes, where it says so, and what it keeps secret of them. */
export interface Taken {
  readonly topic: string
  readonly secrets: readonly SecretPath[]
  /** Where it would say what is secret. */
  readonly label: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** As a file may write it in one line. */
export function classifyOf(names: readonly string[]): string {
  const quoted = names.map((name) => (/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "''")}'`))
  return `{ ${quoted.map((name) => `${name}: secret`).join(', ')} }`
}

interface TakenBy extends Taken {
  readonly file: string
  readonly by: string | null
}

export function unclassified(file: string, all: readonly TakenBy[]): Problem[] {
  return all.filter((taken) => taken.file === file).flatMap((taken) => wrong(taken, all))
}

function wrong({ file, topic, secrets, label, line, column }: TakenBy, all: readonly TakenBy[]): Problem[] {
  const isKept = (path: SecretPath) => secrets.some((own) => isWithin(path, own))
  for (const other of all) {
    const open = other.topic === topic ? other.secrets.filter((path) => !isKept(path)) : []
    if (open.length === 0) continue
    const names = open.map(({ text }) => text)
    const message = `events of ${topic} have fields that are secret for workflow ${other.by}, and not here: ${names.join(', ')}`
    const close = label.split('{').length
    const written = `${label}: ${classifyOf(names)}${' }'.repeat(close - 1)}`
    return [
      {
        file,
        line,
        column,
        ...finding('not_classified', message, 'the same in every workflow on it', `add ${written}`),
      },
    ]
  }
  return []
}
