/** Any workflow, whatever happens to it, whenever its coordinator is lost: what is done is done once, and undone once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../simulation/random.ts'
import { anyPlan } from './any-plan.ts'
import { type Chances, World } from './world.ts'

/** MILLRACE_ANY_SEED: where to begin; MILLRACE_ANY_RUNS: how many. What fails says its seed. */
const first = Number(process.env.MILLRACE_ANY_SEED ?? 0)
const runs = Number(process.env.MILLRACE_ANY_RUNS ?? 150)

test('whatever happens, nothing is done twice or out of turn, and what failed is undone', () => {
  for (let seed = first; seed < first + runs; seed++) {
    const random = new Random(seed)
    const plan = anyPlan(random, { once: random.chance(0.4), limit: true })
    run(plan, seed, chancesOf(random))
  }
})

test('interrupted anywhere, it comes to the same end by the same steps', () => {
  for (let seed = first; seed < first + runs; seed++) {
    const random = new Random(seed)
    const plan = anyPlan(random, { once: false, limit: false })
    const { crashesMs } = chancesOf(random)
    const calm = { crashesMs: [], cancelMs: null, asks: [] }
    const whole = run(plan, seed, calm)
    const broken = run(plan, seed, { ...calm, crashesMs })
    if (broken.wasUnclear) continue
    assert.deepEqual(endOf(broken), endOf(whole), `${storyOf(whole, seed)}\n${broken.log.join('\n')}`)
  }
})

function chancesOf(random: Random): Chances {
  const times = (most: number) => Array.from({ length: random.between(0, most) }, () => random.between(1, 20_000))
  return {
    crashesMs: times(4).sort((a, b) => a - b),
    cancelMs: random.chance(0.2) ? random.between(0, 15_000) : null,
    asks: times(3).map(() => random.pick(['undo', 'retry', 'retry'])),
  }
}

function run(plan: ReturnType<typeof anyPlan>, seed: number, chances: Chances): World {
  const world = new World(plan, seed, chances)
  try {
    return world.run()
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${storyOf(world, seed)}`, { cause: error })
  }
}

/** What was undone may differ: of what ran when it was lost nobody may know what it did. */
function endOf({ stage, settled }: World): unknown {
  const forward = Object.entries(settled).filter(([name]) => !name.startsWith('~'))
  return { isCompleted: stage.state === 'completed', forward }
}

function storyOf({ stage, log }: World, seed: number): string {
  const steps = JSON.stringify(JSON.parse(stage.plan.source).steps).replaceAll('"', '')
  return [`seed ${seed}`, steps, ...log].join('\n')
}
