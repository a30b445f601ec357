/** Requests go to one workflow: no two files of a folder ask for the same method and path. */
import type { Plan } from './plan.ts'
import { finding, type Problem } from './problem.ts'
import { shapeOf } from './route.ts'

interface PlannedFile {
  readonly file: string
  readonly plan: Plan | null
}

/** The second of two is told. */
export function routeProblems(all: readonly PlannedFile[]): Problem[] {
  const owners = new Map<string, PlannedFile>()
  return all.flatMap((each) => {
    const taken = routesOf(each.plan).find((route) => owners.has(route))
    for (const route of routesOf(each.plan)) if (!owners.has(route)) owners.set(route, each)
    return taken === undefined ? [] : [takenBy(each, taken, owners.get(taken)!)]
  })
}

function routesOf(plan: Plan | null): string[] {
  const http = plan?.on.http
  return http ? http.methods.map((method) => `${method} ${shapeOf(http.path)}`) : []
}

function takenBy({ file, plan }: PlannedFile, route: string, owner: PlannedFile): Problem {
  const lines = plan!.source.split('\n')
  const line = lines.findIndex((text) => text.includes(plan!.on.http!.path)) + 1
  const column = (lines[line - 1]?.indexOf(plan!.on.http!.path) ?? 0) + 1
  const message = `${route.replaceAll('{}', '{…}')} is taken by "${owner.plan!.name}" (${owner.file})`
  const found = finding('route_taken', message, 'a method and path of its own', 'choose another path or method')
  return { file, line: Math.max(line, 1), column: Math.max(column, 1), ...found }
}
