/** `millrace resolve ID --step S --outcome ok|fail`: a person's word on a step in doubt. */
import { EngineError } from '../base/error.ts'
import { stringifyJson } from '../envelope/json.ts'
import type { Story } from '../ledger/read/story.ts'
import { didYouMean } from '../workflow/nearest.ts'
import { type AskOneOptions, askOne } from './ask-one.ts'
import { usage } from './fail.ts'
import { jsonText } from './json-text.ts'
import { placeName } from './place-name.ts'

export interface ResolveOptions extends AskOneOptions {
  /** Of an item with its places: `bill[3]`. */
  readonly step: string
  readonly outcome: 'ok' | 'fail'
  /** JSON text. */
  readonly output?: string
}

export async function resolve(id: string, options: ResolveOptions): Promise<void> {
  const { step, outcome } = options
  const args = argsOf(options)
  await askOne('resolve', id, options, (story) => {
    checkStep(story, step)
    const place = `step ${step} of ${story.id}`
    return {
      args,
      asked: `${place} is to be settled as ${outcome}`,
      done: `${place} is settled as ${outcome}; \`millrace show ${story.id}\` tells how it goes on`,
    }
  })
}

function argsOf({ step, outcome, output }: ResolveOptions): string {
  if (output === undefined) return stringifyJson({ step, outcome })
  if (outcome === 'fail') throw usage('--output goes with --outcome ok: a step that failed has none')
  return stringifyJson({ step, outcome, output: jsonText(output, '--output') })
}

function checkStep({ id, steps, doubts }: Story, name: string): void {
  const doubtful = doubts.map(placeName)
  if (doubtful.includes(name)) return
  const step = steps.find((each) => placeName(each) === name)
  const stands = step ? `step ${name} of ${id} is ${step.state}` : `${id} has come to no step ${name}`
  throw new EngineError('not_in_doubt', `${stands}; ${instead(name, doubtful, step ? null : steps.map(placeName))}`)
}

/** `names`: of all its steps, where none has the name that was given. */
function instead(name: string, doubtful: readonly string[], names: readonly string[] | null): string {
  if (doubtful.length > 0) return didYouMean(name, doubtful, `in doubt is ${doubtful.join(', ')}`)
  if (names === null) return 'only a step in doubt can be resolved'
  const shown = names.slice(0, namedMax).join(', ')
  return didYouMean(name, names, `its steps are ${names.length > namedMax ? `${shown}, …` : shown}`)
}

const namedMax = 50
