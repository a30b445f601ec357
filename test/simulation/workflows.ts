// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here are workflow files
/**
 * Workflows of every shape the language has, by number: the same number is the same file, so that a plan is parsed once for
 * thousands of runs.
 */
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import { Random } from './random.ts'
import { callees, type Tree, treeOf } from './trees.ts'

/** Odd ones are trees, even ones functions one after the other. */
export const shapes = 800

const parsed = new Map<string, Plan>()

export function planOf(shape: number, topic: string): Plan {
  return planNamed(`${topic}/${shape}`, () => sourceOf(shape, topic))
}

/** One that only steps of others call. */
export function calleeOf(number: number): Plan {
  return planNamed(`c${number}`, () => calleeSource(number))
}

/** Those that a plan may call, and those that these call. */
export function calledBy(plan: Plan): Plan[] {
  const own = plan.steps.flatMap((step) => (step.kind === 'call' ? [calleeOf(Number(step.workflow.slice(1)))] : []))
  return [...new Set(own.flatMap((each) => [each, ...calledBy(each)]))]
}

function planNamed(name: string, source: () => string): Plan {
  const known = parsed.get(name)
  if (known) return known
  const plan = planFromSource(source(), `${name}.yaml`)
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
  const isTree = shape % 2 === 1
  const steps = isTree ? null : Array.from({ length: random.between(1, 4) }, (_, no) => stepOf(random, no))
  const tree = isTree ? treeOf(random, topic, callees) : null
  return `
name: w${shape}
on: { kafka: { topic: ${topic}${random.chance(0.25) ? ', type: wanted' : ''}${fromOf(random)} } }
${keyOf(random)}${orderOf(random)}${deduplicateOf(random)}${deadLetterOf(random)}${limitsOf(random)}steps:
${tree ? linesOf(tree) : steps?.join('\n')}
${publishOf(random)}${tree ? signalsOf(random, tree) : ''}`
}

function calleeSource(number: number): string {
  const random = new Random(number, 78)
  const tree = treeOf(random, null, Math.max(0, number - callees / 2))
  const timeout = random.chance(0.2) ? 'timeout: 6s\n' : ''
  return `
name: c${number}
${timeout}steps:
${linesOf(tree)}
${signalsOf(random, tree)}`
}

/** A list in JSON is one in YAML. */
function linesOf({ steps }: Tree): string {
  return steps.map((step) => `  - ${JSON.stringify(step)}`).join('\n')
}

function signalsOf(random: Random, { waitsFor }: Tree): string {
  const topics = [...waitsFor].map((topic) => {
    const keep = random.pick(['', ', keep: 2s'])
    return `${topic}: { key: event.data.key, take: ${random.pick(['all', 'first'])}${keep} }`
  })
  return topics.length === 0 ? '' : `signals: { ${topics.join(', ')} }\n`
}

function orderOf(random: Random): string {
  return random.pick(['', '', '', 'order: strict\n', 'order: none\n'])
}

function limitsOf(random: Random): string {
  return `${random.chance(0.15) ? 'timeout: 8s\n' : ''}${random.chance(0.1) ? 'startWithin: 2s\n' : ''}`
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
