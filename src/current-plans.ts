/** The plans an engine runs: those of the files as they are now, and of a file that is broken now the one it had. */
import type { Secrets } from './auth/secret.ts'
import { EngineError } from './base/error.ts'
import { secretsOf } from './envelope/auth-spec.ts'
import { publish } from './telemetry/channels.ts'
import { loadCatalogue } from './workflow/catalogue.ts'
import type { Plan } from './workflow/plan.ts'
import { formatProblem, type Problem } from './workflow/problem.ts'
import { namesRegistry, topicsReadBy } from './workflow/uses.ts'

export interface PlanRules {
  readonly workflowsDir: string
  /** Without a seal key neither what a redrive needs of credentials is kept, nor secret fields. */
  readonly canSeal: boolean
  readonly secrets: Secrets
  /** Without a schema registry nothing is read or written by its schemas. */
  readonly hasRegistry: boolean
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
    const secretless = [...planOf].flatMap(([file, plan]) => needsSecrets(file, plan, this.#rules.secrets))
    const schemaless = this.#rules.hasRegistry ? [] : [...planOf].flatMap(([file, plan]) => needsRegistry(file, plan))
    this.#problems = [...problems, ...sealing, ...secretless, ...schemaless]
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
  const problem = whySealing(plan)
  if (problem === null) return []
  const fix = 'set it to a long random text, the same for all coordinators'
  return [
    {
      file,
      ...placeOf(plan, problem.field),
      code: 'seal_key',
      message: problem.message,
      expected: 'MILLRACE_SEAL_KEY',
      fix,
    },
  ]
}

function whySealing({ auth, secrets, signals }: Plan): { field: string; message: string } | null {
  if (secrets.length > 0 || signals.some((signal) => signal.secrets.length > 0)) {
    return { field: 'classify', message: 'has secret fields (classify), and there is no seal key to keep them with' }
  }
  if (auth === null) return null
  const message = 'has auth, and there is no seal key: dead letters could not keep the credentials that a redrive needs'
  return { field: 'auth', message }
}

function needsRegistry(file: string, plan: Plan): Problem[] {
  if (!namesRegistry(plan)) return []
  const message = 'has a format that is written by schemas of a registry, and none is set'
  const expected = 'SCHEMA_REGISTRY_URL'
  const fix = 'set it to the address of its API; for bare Avro say { avro: { schema: FILE } }'
  return [{ file, ...formatPlaceOf(plan), code: 'registry_not_set', message, expected, fix }]
}

/** The first that is a registry's, or may be. */
function formatPlaceOf({ source }: Plan): { line: number; column: number } {
  const lines = source.split('\n')
  const line = Math.max(
    0,
    lines.findIndex((text) => registryFormat.test(text)),
  )
  return { line: line + 1, column: Math.max(0, lines[line]?.search(registryFormat) ?? 0) + 1 }
}

const registryFormat = /\bformat["']?\s*:\s*(?:["']?(?:avro|protobuf|json-schema)\b|\{|$)/

/** One that goes away later is an outage; one that was never there is a mistake. */
function needsSecrets(file: string, plan: Plan, secrets: Secrets): Problem[] {
  const missing =
    plan.auth === null ? [] : secretsOf(plan.auth).filter((names) => !names.some((name) => isThere(name, secrets)))
  return missing.map(([name]) => {
    const message = `the secret "${name}" is not there`
    const variable = `MILLRACE_SECRET_${name?.toUpperCase()}`
    const expected = `a file ${name} in the folder of MILLRACE_SECRETS_DIR, or ${variable}`
    return {
      file,
      ...placeOf(plan, 'auth'),
      code: 'secret_missing',
      message,
      expected,
      fix: 'add it, or mend its name',
    }
  })
}

function isThere(name: string, secrets: Secrets): boolean {
  try {
    return secrets.get(name) !== null
  } catch {
    return false
  }
}

function placeOf({ source }: Plan, field: string): { line: number; column: number } {
  const key = new RegExp(`^ *["']?${field}["']? *:`)
  const line = source.split('\n').findIndex((text) => key.test(text)) + 1
  return { line: Math.max(line, 1), column: 1 }
}

function workflowsInvalid(problems: readonly Problem[]): EngineError {
  return new EngineError('workflows_invalid', problems.map(formatProblem).join('\n'))
}
