/** The plans an engine runs: those of the files as they are now, and of a file that is broken now the one it had. */
import { EngineError } from './base/error.ts'
import { publish } from './telemetry/channels.ts'
import { loadCatalogue } from './workflow/catalogue.ts'
import type { Plan } from './workflow/plan.ts'
import { formatProblem, type Problem } from './workflow/problem.ts'
import { topicsReadBy } from './workflow/uses.ts'

export interface PlanRules {
  readonly workflowsDir: string
  /** Without a seal key credentials and secret fields are not kept, and a workflow with some would fail after a restart. */
  readonly canSeal: boolean
  /** Run those without problems though others have some. */
  readonly lenient: boolean
}

export class CurrentPlans {
  readonly #rules: PlanRules
  #byFile: ReadonlyMap<string, Plan> = new Map()
  #problems: readonly Problem[] = []

  constructor(rules: PlanRules) {
    this.#rules = rules
  }

  get plans(): readonly Plan[] {
    return [...this.#byFile.values()]
  }

  get problems(): readonly Problem[] {
    return this.#problems
  }

  get topics(): string[] {
    return [...new Set(this.plans.flatMap(topicsReadBy))]
  }

  /** Reads the files again; answers with the names of the workflows that changed. Throws `workflows_invalid`. */
  async load(): Promise<string[]> {
    const before = this.#byFile
    const { planOf, problems } = await loadCatalogue(this.#rules.workflowsDir)
    const sealing = this.#rules.canSeal ? [] : [...planOf].flatMap(([file, plan]) => needsSealing(file, plan))
    this.#problems = [...problems, ...sealing]
    if (this.#problems.length > 0 && !this.#rules.lenient) throw workflowsInvalid(this.#problems)
    for (const problem of this.#problems) publish('notice', { level: 'error', message: formatProblem(problem) })
    const broken = new Set(this.#problems.map((problem) => problem.file))
    const fit = [...planOf].filter(([file]) => !broken.has(file))
    const kept = [...before].filter(([file]) => broken.has(file))
    this.#byFile = new Map([...fit, ...kept])
    const versions = new Set([...before.values()].map((plan) => plan.version))
    return this.plans.filter((plan) => !versions.has(plan.version)).map((plan) => plan.name)
  }
}

function needsSealing(file: string, plan: Plan): Problem[] {
  const message = whySealing(plan)
  if (message === null) return []
  const fix = 'set it to a long random text'
  return [{ file, line: 1, column: 1, code: 'seal_key', message, expected: 'MILLRACE_SEAL_KEY', fix }]
}

function whySealing({ secrets, signals, source }: Plan): string | null {
  if (secrets.length > 0 || signals.some((signal) => signal.secrets.length > 0)) {
    return 'has secret fields (classify), and there is no seal key to keep them with'
  }
  return namesAuth.test(source) ? 'uses event.auth, and there is no seal key to keep credentials with' : null
}

/** `event.auth`, `event.?auth`, `event["auth"]`, in whatever quotes: rather once too often than not at all. */
const namesAuth = /\bevent\s*(?:\.|\[)[\s?\\"'rR]*auth\b/

function workflowsInvalid(problems: readonly Problem[]): EngineError {
  return new EngineError('workflows_invalid', problems.map(formatProblem).join('\n'))
}
