// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here are workflow files
/**
 * Workflows of every shape the language has, by number: the same number is the same file, so that a plan is parsed once for
 * thousands of runs.
 */
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import { Random } from './random.ts'

export const shapes = 400

const parsed = new Map<string, Plan>()

export function planOf(shape: number, topic: string): Plan {
  const name = `${topic}/${shape}`
  const known = parsed.get(name)
  if (known) return known
  const plan = planFromSource(sourceOf(shape, topic), `${shape}.yaml`)
  parsed.set(name, plan)
  return plan
}

/** What a coordinator asks for when it recalls a stored source: the same plan again. */
export function planFrom(source: string, version: string): Plan {
  for (const plan of parsed.values()) if (plan.version === version) return plan
  return planFromSource(source, version)
}

export function sourceOf(shape: number, topic: string): string {
  const random = new Random(shape, 77)
  const steps = Array.from({ length: random.between(1, 4) }, (_, no) => stepOf(random, no))
  return `
name: w${shape}
on: { kafka: { topic: ${topic}${random.chance(0.25) ? ', type: wanted' : ''}${fromOf(random)} } }
${keyOf(random)}${deduplicateOf(random)}${deadLetterOf(random)}${random.chance(0.15) ? 'timeout: 8s\n' : ''}steps:
${steps.join('\n')}
${publishOf(random)}`
}

/** Of its end; what fails to be made fails the transaction, or is a message that is passed over. */
function publishOf(random: Random): string {
  const told = '{ topic: told, key: event.data.key, value: { n: "${{ event.data.n }}" } }'
  const rare = '{ topic: told, value: "${{ event.data.rare }}" }'
  return random.pick([
    '',
    '',
    `publish: { completed: ${told} }\n`,
    `publish: { completed: ${rare}, failed: [${told}, ${rare}] }\n`,
  ])
}

function fromOf(random: Random): string {
  const from = random.pick(['', '', '', '', ', from: latest', ", from: '2026-05-01T10:00:03Z'"])
  return from
}

function keyOf(random: Random): string {
  return random.pick(['', 'key: event.data.key\n', 'key: event.data.key\n', 'key: event.data.?owner.orValue(null)\n'])
}

function deduplicateOf(random: Random): string {
  return random.pick([
    '',
    'deduplicate: false\n',
    'deduplicate: { by: event.data.same, within: 2s }\n',
    'deduplicate: { by: event.data.same, within: 1h }\n',
  ])
}

function deadLetterOf(random: Random): string {
  return random.pick([
    '',
    'deadLetter: { topic: letters }\n',
    'deadLetter: { failed: true }\n',
    'deadLetter: { topic: letters, failed: true }\n',
  ])
}

/** Its input says of which event it is and what came before it, so that it can be held against the ledger. */
function stepOf(random: Random, no: number): string {
  const uses = random.chance(0.2) ? 'once/work' : random.pick(['work/a', 'work/b', 'pure/a', 'pure/a', 'pure/b'])
  const before = Array.from({ length: no }, (_, each) => `s${each}: "\${{ steps.s${each}.output }}"`)
  const input = ['n: "${{ event.data.n }}"', ...before, ...(random.chance(0.1) ? ['x: "${{ event.data.rare }}"'] : [])]
  const parts = [
    `id: s${no}`,
    `uses: ${uses}`,
    `with: { ${input.join(', ')} }`,
    ...(random.chance(0.3) ? [`when: '!event.data.skip.exists(each, each == "s${no}")'`] : []),
    ...(random.chance(0.25) ? ['optional: true'] : []),
    random.chance(0.2) ? `publish: { topic: told, value: "\${{ steps.s${no}.output }}" }` : '',
    retryOf(random),
    `timeout: ${random.pick(['300ms', '2s', '30s'])}`,
  ]
  return `  - { ${parts.filter((part) => part !== '').join(', ')} }`
}

function retryOf(random: Random): string {
  return random.pick([
    '',
    'retry: { attempts: 1 }',
    'retry: { attempts: 2, initial: 1ms, backoff: fixed, jitter: false }',
    'retry: { attempts: 5, initial: 20ms, max: 1s }',
    'retry: { attempts: 3, initial: 2s }',
  ])
}
