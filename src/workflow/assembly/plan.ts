/** Puts a plan together from a file that has passed every check, and freezes it. */
import { assert } from '../../base/assert.ts'
import { parseSecretPath, type SecretPath } from '../../envelope/secret-path.ts'
import { defaults } from '../limits.ts'
import type { Meaning } from '../meaning/check.ts'
import { parseTime } from '../model/fields.ts'
import type { WorkflowFile } from '../model/workflow.ts'
import type { Deduplicate, From, KafkaTrigger, Plan, SignalTopic, Step } from '../plan.ts'
import { authSpec } from './auth.ts'
import { ms, publications } from './fields.ts'
import { httpTrigger } from './http.ts'
import { assembleSteps } from './steps.ts'

export function assemble(source: string, version: string, file: WorkflowFile, meaning: Meaning): Plan {
  const { body, steps } = assembleSteps(file.steps, meaning)
  return deepFreeze({
    name: file.name,
    version,
    source,
    on: {
      kafka: file.on?.kafka === undefined ? null : kafkaTrigger(file.on.kafka, meaning),
      http: file.on?.http === undefined ? null : httpTrigger(file.name, file.on.http, steps, meaning),
    },
    auth: authSpec(file.auth),
    secrets: meaning.outline.secrets.event,
    key: meaning.expressions.get('key') ?? null,
    order: file.order,
    deduplicate: deduplicate(file.deduplicate, meaning),
    deadLetter: { topic: file.deadLetter?.topic ?? null, failed: file.deadLetter?.failed ?? false },
    publish: {
      completed: publications(file.publish?.completed, 'publish.completed', meaning),
      failed: publications(file.publish?.failed, 'publish.failed', meaning),
    },
    startWithinMs: file.startWithin === undefined ? null : ms(file.startWithin),
    timeoutMs: file.timeout === undefined ? null : ms(file.timeout),
    signals: signals(file, steps, meaning),
    body,
    steps,
    byId: new Map(steps.filter(({ kind }) => kind !== 'undo').map((step) => [step.id, step])),
    isChain: steps.every(({ kind }) => kind === 'invoke' || kind === 'undo'),
  } satisfies Plan)
}

function deduplicate(file: WorkflowFile['deduplicate'], meaning: Meaning): Deduplicate {
  if (file === false) return { by: null, withinMs: 0 }
  const by = meaning.expressions.get('deduplicate.by') ?? null
  return { by, withinMs: ms(file?.within ?? defaults.deduplicate.within) }
}

/** In the order in which steps wait for them. */
function signals({ signals }: WorkflowFile, steps: readonly Step[], meaning: Meaning): SignalTopic[] {
  const topics = new Set(steps.flatMap((step) => (step.kind === 'wait' ? [step.topic] : [])))
  return [...topics].map((topic) => {
    const { keep, take, classify = {} }: SignalFile = signals?.[topic] ?? defaults.signal
    const secrets = secretsOf(classify)
    const key = meaning.expressions.get(`signals.${topic}.key`) ?? null
    const format = meaning.formats.get(`signals.${topic}.format`) ?? null
    return { topic, key, keepMs: ms(keep), take, secrets, format }
  })
}

type SignalFile = NonNullable<WorkflowFile['signals']>[string]

function secretsOf(classify: Readonly<Record<string, 'secret'>>): SecretPath[] {
  return Object.keys(classify).flatMap((name) => parseSecretPath(name) ?? [])
}

function kafkaTrigger(
  file: NonNullable<NonNullable<WorkflowFile['on']>['kafka']>,
  { formats, schemas }: Meaning,
): KafkaTrigger {
  const said = typeof file === 'string' ? { topic: file, from: defaults.from } : file
  return {
    topic: said.topic,
    type: ('type' in said ? said.type : undefined) ?? null,
    from: from(said.from),
    format: formats.get('on.kafka.format') ?? null,
    schema: schemas.get('on.kafka.schema') ?? null,
  }
}

function from(text: string): From {
  if (text === 'earliest' || text === 'latest') return { at: text }
  const timeMs = parseTime(text)
  assert(timeMs !== null, `${text} was checked to be a time`)
  return { at: 'time', timeMs }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
