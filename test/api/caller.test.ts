import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { Proxies } from '../../src/api/caller.ts'

const from = (remoteAddress: string, headers: Record<string, string>) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage

const proxies = new Proxies(['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])

const cases: [what: string, remote: string, headers: Record<string, string>, address: string, isHttps: boolean][] = [
  ['nobody before us', '198.51.100.1', {}, '198.51.100.1', false],
  ['a stranger who says he is a proxy', '198.51.100.1', { 'x-forwarded-for': '203.0.113.9' }, '198.51.100.1', false],
  ['an IPv4 address in IPv6', '::ffff:198.51.100.1', {}, '198.51.100.1', false],
  ['our proxy', '10.1.2.3', { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }, '203.0.113.9', true],
  ['what the client wrote itself', '10.1.2.3', { 'x-forwarded-for': '1.1.1.1, 203.0.113.9' }, '203.0.113.9', false],
  ['two of our proxies', '10.1.2.3', { 'x-forwarded-for': '203.0.113.9, 192.0.2.7' }, '203.0.113.9', false],
  [
    'Forwarded before X-Forwarded-For',
    '10.1.2.3',
    { forwarded: 'for=203.0.113.9;proto=https', 'x-forwarded-for': '1.1.1.1' },
    '203.0.113.9',
    true,
  ],
  ['Forwarded with IPv6 and a port', 'fd00::1', { forwarded: 'for="[2001:db8::17]:4711"' }, '2001:db8::17', false],
  ['a hidden one', '10.1.2.3', { forwarded: 'for=_secret' }, '_secret', false],
]

for (const [what, remote, headers, address, isHttps] of cases) {
  test(`${what}: ${address}`, () => {
    assert.deepEqual(proxies.callerOf(from(remote, headers)), { address, isHttps })
  })
}

test('a proxy that is no address is told', () => {
  for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0/8', '']) {
    assert.throws(() => new Proxies([wrong]), /expected such as 10\.0\.0\.0\/8/)
  }
})
