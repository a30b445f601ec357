/** Small integers for what the ledger says in words; `migrations/` has the same lists in its views and CHECKs. */

export const outcomeCode = { skipped: 0, ok: 1, retry: 2, fail: 3, timeout: 4, crash: 5, lost: 6 } as const
export const stepStateCode = { ok: 1, skipped: 2, failed: 3, in_doubt: 4 } as const
export const stateCode = { completed: 1, failed: 2, compensated: 3, cancelled: 4 } as const
export const passedCode = {
  other_type: 1,
  before_start: 2,
  absent: 3,
  no_workflow: 4,
  compacted: 5,
  aborted: 6,
  control: 7,
  retention: 8,
  no_key: 9,
} as const
export const letterCode = { open: 1, redriven: 2, discarded: 3 } as const
export const commandCode = { done: 2, refused: 3 } as const

export type OutcomeName = keyof typeof outcomeCode
export type StepStateName = keyof typeof stepStateCode

const outcomeNames = inverse(outcomeCode)
const stepStateNames = inverse(stepStateCode)
const stateNames = inverse(stateCode)
const letterNames = inverse(letterCode)

export function outcomeName(code: number): OutcomeName {
  return outcomeNames.get(code) as OutcomeName
}

export function stepStateName(code: number | null): StepStateName | null {
  return code === null ? null : (stepStateNames.get(code) as StepStateName)
}

export function stateName(code: number): keyof typeof stateCode {
  return stateNames.get(code) as keyof typeof stateCode
}

export function letterName(code: number): keyof typeof letterCode {
  return letterNames.get(code) as keyof typeof letterCode
}

function inverse<Name extends string>(codes: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as Name]))
}
