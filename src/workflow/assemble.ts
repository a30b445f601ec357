/** Puts a plan together from a file that has passed every check, and freezes it. */
import { assert } from '../base/assert.ts'
import type { Meaning } from './check.ts'
import { parseDuration } from './duration.ts'
import { defaults } from './limits.ts'
import { type MessageFile, parseTime, type StepFile, type WorkflowFile } from './model.ts'
import type { Deduplicate, From, KafkaTrigger, Plan, Publication, RetryPolicy, Step } from './plan.ts'

export function assemble(source: string, version: string, file: WorkflowFile, meaning: Meaning): Plan {
  const steps = file.steps.map((step, no) => assembleStep(step, no, meaning))
  return deepFreeze({
    name: file.name,
    version,
    source,
    on: { kafka: kafkaTrigger(file.on.kafka) },
    key: meaning.expressions.get('key') ?? null,
    deduplicate: deduplicate(file.deduplicate, meaning),
    deadLetter: { topic: file.deadLetter?.topic ?? null, failed: file.deadLetter?.failed ?? false },
    publish: {
      completed: publications(file.publish?.completed, 'publish.completed', meaning),
      failed: publications(file.publish?.failed, 'publish.failed', meaning),
    },
    timeoutMs: file.timeout === undefined ? null : ms(file.timeout),
    body: { kind: 'sequence', blocks: steps.map((step) => ({ kind: 'step', step })) },
    steps,
  } satisfies Plan)
}

function deduplicate(file: WorkflowFile['deduplicate'], meaning: Meaning): Deduplicate {
  if (file === false) return { by: null, withinMs: 0 }
  const by = meaning.expressions.get('deduplicate.by') ?? null
  return { by, withinMs: ms(file?.within ?? defaults.deduplicate.within) }
}

function assembleStep(file: StepFile, no: number, meaning: Meaning): Step {
  const template = meaning.templates.get(`steps[${no}].with`)
  assert(template, `step ${no} has a compiled input`)
  return {
    no,
    id: file.id,
    uses: file.uses,
    with: template,
    when: meaning.expressions.get(`steps[${no}].when`) ?? null,
    retry: retryPolicy(file.retry ?? defaults.retry),
    timeoutMs: ms(file.timeout),
    optional: file.optional,
    publish: publications(file.publish, `steps[${no}].publish`, meaning),
  }
}

/** `path`: where they stand in the file, as `labelOf` writes it. */
function publications(
  file: MessageFile | MessageFile[] | undefined,
  path: string,
  meaning: Meaning,
): readonly Publication[] {
  if (file === undefined) return []
  if (!Array.isArray(file)) return [publication(file, path, meaning)]
  return file.map((each, place) => publication(each, `${path}[${place}]`, meaning))
}

function publication({ topic }: MessageFile, path: string, { expressions, templates }: Meaning): Publication {
  const value = templates.get(`${path}.value`)
  const headers = templates.get(`${path}.headers`)
  assert(value && headers, `${path} was compiled`)
  const when = expressions.get(`${path}.when`) ?? null
  return { topic, key: expressions.get(`${path}.key`) ?? null, value, headers, when }
}

function retryPolicy(file: NonNullable<StepFile['retry']>): RetryPolicy {
  const { attempts, backoff, initial, max, jitter } = file
  return { attempts, backoff: { shape: backoff, initialMs: ms(initial), maxMs: ms(max), jitter } }
}

function kafkaTrigger(file: WorkflowFile['on']['kafka']): KafkaTrigger {
  if (typeof file === 'string') return { topic: file, type: null, from: from(defaults.from) }
  return { topic: file.topic, type: file.type ?? null, from: from(file.from) }
}

function from(text: string): From {
  if (text === 'earliest' || text === 'latest') return { at: text }
  const timeMs = parseTime(text)
  assert(timeMs !== null, `${text} was checked to be a time`)
  return { at: 'time', timeMs }
}

function ms(text: string): number {
  const value = parseDuration(text)
  assert(value !== null, `${text} was checked to be a duration`)
  return value
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
