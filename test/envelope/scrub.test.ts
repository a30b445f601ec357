/** What slips out is found in the forms in which it usually does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scrubber } from '../../src/envelope/scrub.ts'

const card = '4111 1111/1111+1111"é'
const scrubber = new Scrubber([card, 'Jane', '1234567', '99', '12', 'abcdefgh-ijklmnop'])

const forms: Record<string, string> = {
  'as it is': card,
  'as json': JSON.stringify({ card }),
  'as json in json': JSON.stringify(JSON.stringify({ card })),
  'in a url': `?card=${encodeURIComponent(card)}&x=1`,
  'in a form': new URLSearchParams({ card: 'abcdefgh-ijklmnop' }).toString(),
  'in base64': Buffer.from(card).toString('base64'),
  'in base64 inside of another text': Buffer.from(`x${card}yy`).toString('base64'),
  'in base64 two further on': Buffer.from(`xx${card}y`).toString('base64'),
  'in base64url': Buffer.from(`{"card":"${card}"}`).toString('base64url'),
  'in hex': Buffer.from(card).toString('hex'),
  'in hex in capitals': Buffer.from(card).toString('hex').toUpperCase(),
  'cut at the end': `declined: ${card.slice(0, 12)}`,
  'cut in a log': `declined: ${card.slice(0, 12)}\n(17 bytes more were dropped)\n`,
}
for (const [name, text] of Object.entries(forms)) {
  test(`it is found ${name}`, () => {
    const said = scrubber.text(`before ${text}`)
    assert.ok(said.startsWith('before ') && said.includes('[secret]'), said)
    for (const piece of ['4111', 'NDExM', Buffer.from('1111/1111').toString('hex'), 'ijklmnop']) {
      assert.ok(!said.toLowerCase().includes(piece.toLowerCase()), said)
    }
  })
}

test('a short one is found where it stands for itself, and a shorter one not at all', () => {
  assert.equal(scrubber.text('Jane: Janet, JaneDoe; (Jane) 99'), '[secret]: Janet, JaneDoe; ([secret]) 99')
})

test('JSON stays JSON: texts, names and long numbers are looked at, the rest is the same', () => {
  const value = { id: 1234567, n: 99, list: ['Jane', `call ${card}!`, null, true], [card]: 12, big: '1234567' }
  assert.deepEqual(JSON.parse(scrubber.json(JSON.stringify(value))), {
    id: '[secret]',
    n: 99,
    list: ['[secret]', 'call [secret]!', null, true],
    '[secret]': 12,
    big: '[secret]',
  })
  const clean = '{"n": 9007199254740993, "text":"nothing"}'
  assert.equal(scrubber.json(clean), clean)
})

test('what says that it is JSON and is none is looked at, too', () => {
  assert.equal(scrubber.json(`{"half": ${card}`), '{"half": [secret]')
  assert.equal(scrubber.json(`${'['.repeat(100_000)}"${'Jane'}"${']'.repeat(100_000)}`), '"[secret]"')
})

test('of a text of many lines each long one is found', () => {
  const key = `-----BEGIN KEY-----\n${'k'.repeat(40)}x\n-----END KEY-----\n`
  const said = new Scrubber([key]).text(`read ${'k'.repeat(40)}x from it`)
  assert.equal(said, 'read [secret] from it')
})

test('a megabyte with thousands of secrets is a matter of a second', () => {
  const many = Array.from({ length: 5000 }, (_, at) => `secret number ${at} of them`)
  const one = new Scrubber(many)
  const from = performance.now()
  one.text('abc/'.repeat(250_000))
  one.json(JSON.stringify({ list: many, text: 'x'.repeat(1_000_000) }))
  assert.ok(performance.now() - from < 3000, `${performance.now() - from} ms`)
})
