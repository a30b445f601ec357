/** Certificates of HTTP clients, by whose they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mtlsWay } from '../../src/auth/mtls.ts'
import { requestWith } from './request.ts'

const hex = 'ab'.repeat(32)
const certificate = {
  subject: 'CN=kiosk,O=North',
  fingerprint256: 'CD:EF',
  altNames: ['DNS:kiosk.example', 'URI:spiffe://a/b'],
}
const none = { family: 'mtls', subjects: [], altNames: [], fingerprints: [], roles: ['kiosk'] } as const
const ask = (spec: object, own: object = {}) =>
  mtlsWay('mtls', { ...none, ...spec }).authenticate(
    requestWith({}, { http: { method: 'GET', url: '/', certificate: { ...certificate, ...own } } }),
  )

const good: readonly [string, object, object][] = [
  ['its subject', { subjects: ['CN=kiosk,O=North'] }, {}],
  ['its subject as others write it', { subjects: ['O=North, CN=kiosk'] }, {}],
  ['its subject as OpenSSL has it', { subjects: ['CN=kiosk,O=North'] }, { subject: 'O=North\nCN=kiosk' }],
  ['a subject with a comma in it', { subjects: ['CN=kiosk\\,O=North'] }, { subject: 'CN=kiosk\\,O=North' }],
  ['an alternative name', { altNames: ['dns:KIOSK.example'] }, {}],
  ['its fingerprint', { fingerprints: [hex] }, { fingerprint256: hex.toUpperCase().replace(/..(?!$)/g, '$&:') }],
]
for (const [name, spec, own] of good) {
  test(`a certificate is known by ${name}`, () => {
    const found = ask(spec, own)
    assert.ok(found && 'principal' in found && found.roles[0] === 'kiosk')
  })
}

const bad: readonly [string, object, object][] = [
  ['another name', { subjects: ['CN=kiosk,O=South'] }, {}],
  ['a part of its subject', { subjects: ['CN=kiosk'] }, {}],
  ['a subject that only reads alike', { subjects: ['CN=kiosk,O=North'] }, { subject: 'CN=kiosk\\,O=North' }],
  ['a subject with a part twice', { subjects: ['CN=kiosk,O=North'] }, { subject: 'CN=kiosk,CN=kiosk,O=North' }],
  ['an alternative name of another kind', { altNames: ['DNS:spiffe://a/b'] }, {}],
  ['half of its fingerprint', { fingerprints: [hex] }, { fingerprint256: 'ab'.repeat(16) }],
]
for (const [name, spec, own] of bad)
  test(`a certificate is not known by ${name}`, () => assert.equal(ask(spec, own), null))

test('without a certificate, and of a record of Kafka, nobody is known', () => {
  const way = mtlsWay('mtls', { ...none, subjects: ['CN=kiosk,O=North'] })
  assert.equal(way.authenticate(requestWith({})), null)
  assert.equal(way.authenticate(requestWith({}, { http: { method: 'GET', url: '/', certificate: null } })), null)
})
