/** `millrace retry ID`: a transaction that failed or was cancelled runs again, from a step on. */
import { EngineError } from '../base/error.ts'
import { loadConfig } from '../config.ts'
import { type Json, stringifyJson } from '../envelope/json.ts'
import type { Story } from '../ledger/read/story.ts'
import { didYouMean } from '../workflow/nearest.ts'
import type { Plan, Step } from '../workflow/plan.ts'
import { type AskOneOptions, askOne } from './ask-one.ts'
import { jsonText } from './json-text.ts'
import { planOf } from './plan-of.ts'
import { readText } from './read-text.ts'
import { checked } from './the-one.ts'
import { isFinal, wrongState } from './wrong-state.ts'

export interface RetryOptions extends AskOneOptions {
  /** The id of a step. */
  readonly from?: string
  /** A file with JSON: what the step is given in place of its `with`. */
  readonly input?: string
}

export async function retry(id: string, options: RetryOptions): Promise<void> {
  checked(id)
  const { from, input: file } = options
  const args: Record<string, Json> = from === undefined ? {} : { from }
  if (file !== undefined) args.input = await inputOf(file)
  await askOne('retry', id, options, (story) => {
    check(story, options)
    const again = from === undefined ? 'again' : `again from step ${from} on`
    return {
      args: stringifyJson(args),
      asked: `${story.id} is to run ${again}`,
      done: `${story.id} runs ${again}; \`millrace show ${story.id}\` tells how far it is`,
    }
  })
}

async function inputOf(file: string): Promise<Json> {
  return jsonText(await readText(file, loadConfig()['limits.valueBytesMax']), `--input ${file}`)
}

function check(story: Story, { from, input }: RetryOptions): void {
  const { id, state } = story
  if (state === 'completed') throw wrongState(`${id} is completed: there is nothing to retry`)
  if (!isFinal(state)) throw wrongState(`${id} is ${state}: only what has ended can run again`)
  const plan = planOf(story)
  if (from === undefined || plan === null) return
  const step = topStep(story, plan, from)
  const before = undoneBefore(story, plan, step)
  if (before !== undefined) throw noSuchStep(`${before}, before ${from}, was undone; retry from there, or before it`)
  if (input !== undefined && !('uses' in step)) throw noSuchStep(`step ${from} runs no function: it takes no --input`)
}

/** One of the workflow's own list: what a block holds runs again with the block. */
function topStep({ id }: Story, { body, byId }: Plan, name: string): Step {
  const step = body.find((each) => each.id === name)
  if (step) return step
  const names = body.map((each) => each.id)
  const nested = byId.get(name)
  if (!nested)
    throw noSuchStep(`${id} has no step ${name}; ${didYouMean(name, names, `there are ${names.join(', ')}`)}`)
  const holder = body.findLast((each) => each.no < nested.no) as Step
  throw noSuchStep(`step ${name} is inside of ${holder.id}; retry from that one`)
}

/** The first one. */
function undoneBefore({ steps }: Story, { byId }: Plan, { no }: Step): string | undefined {
  return steps.find(({ step, state }) => state === 'compensated' && (byId.get(step)?.no ?? no) < no)?.step
}

function noSuchStep(message: string): EngineError {
  return new EngineError('wrong_step', message)
}
