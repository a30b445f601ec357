/** Who is in memory, and who only holds a line. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenRef } from '../../src/coordinator/ports.ts'
import { Roster } from '../../src/coordinator/roster.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import { admitted, planOf } from '../transaction/scene.ts'

const plan = planOf('\n  - { id: a, sleep: 1h }', 'order: strict')
const one = (id: string): Transaction => ({ ...admitted(plan), id })
const ref = (id: string, rests: boolean): OpenRef => {
  return { id, workflow: plan.name, key: one(id).key, admittedUs: 0, inDoubt: false, rests }
}

test('a strict one that rests when its lane is opened is not loaded, and nobody of its key starts before it has ended', () => {
  const roster = new Roster()
  roster.resume([ref('sleeper', true), ref('next', false)])
  assert.deepEqual(roster.takeReady(10), [], 'nothing is loaded')
  assert.deepEqual([roster.running, roster.queued], [0, 1])

  roster.callBack('sleeper')
  roster.sealTurns()
  roster.giveTurns()
  assert.deepEqual(roster.takeReady(10), ['sleeper'], 'it wakes')
  assert.equal(roster.arrive(one('sleeper')), true, 'and goes on at once')
  assert.equal(roster.end(one('sleeper')), undefined)
  roster.sealTurns()
  roster.giveTurns()
  assert.deepEqual(roster.takeReady(10), ['next'])
})
