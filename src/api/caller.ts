/**
 * Who is at the other end: behind a proxy of ours that is what it says (`Forwarded`, else `X-Forwarded-For` and `-Proto`), else whoever
 * holds the connection. What stands further to the front of such a list anybody may have written.
 */

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { EngineError } from '../base/error.ts'

export interface Caller {
  readonly address: string
  readonly isHttps: boolean
}

export class Proxies {
  readonly #trusted = new BlockList()
  readonly #isEmpty: boolean

  /** Addresses, or networks such as `10.0.0.0/8`. Throws `EngineError` `config_invalid`. */
  constructor(trusted: readonly string[]) {
    for (const each of trusted) this.#add(each)
    this.#isEmpty = trusted.length === 0
  }

  callerOf({ socket, headers }: IncomingMessage): Caller {
    const direct = { address: plain(socket.remoteAddress ?? ''), isHttps: 'encrypted' in socket }
    if (this.#isEmpty || !this.#trusts(direct.address)) return direct
    const hops = hopsOf(headers)
    // From the nearest hop on: the first that is no proxy of ours is who asks.
    let caller: Caller = direct
    for (const hop of hops.reverse()) {
      caller = { address: hop.address, isHttps: hop.proto === null ? caller.isHttps : hop.proto === 'https' }
      if (!this.#trusts(hop.address)) break
    }
    return caller
  }

  #trusts(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }

  #add(text: string): void {
    const [address = '', bits] = text.split('/')
    const family = isIP(address)
    const most = family === 6 ? 128 : 32
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      const message = `http.trustedProxies: ${JSON.stringify(text)} is no address and no network, expected such as 10.0.0.0/8`
      throw new EngineError('config_invalid', message)
    }
    this.#trusted.addSubnet(address, bits === undefined ? most : Number(bits), family === 6 ? 'ipv6' : 'ipv4')
  }
}

interface Hop {
  readonly address: string
  readonly proto: string | null
}

/** In the order of the list: who asks first, the nearest proxy's caller last. */
function hopsOf(headers: IncomingMessage['headers']): Hop[] {
  const { forwarded } = headers
  if (forwarded !== undefined) return forwarded.split(',').map(forwardedHop)
  const addresses = textOf(headers['x-forwarded-for'])
    .split(',')
    .flatMap((each) => plain(each.trim()) || [])
  const proto = textOf(headers['x-forwarded-proto']).split(',').at(-1)?.trim().toLowerCase() || null
  return addresses.map((address, at) => ({ address, proto: at === addresses.length - 1 ? proto : null }))
}

/** `for="[2001:db8::1]:4711";proto=https` */
function forwardedHop(text: string): Hop {
  const pairs = text.split(';').map((pair) => pair.split('='))
  const named = new Map(
    pairs.map(([name = '', value = '']) => [name.trim().toLowerCase(), value.trim().replace(/^"|"$/g, '')]),
  )
  return { address: plain(named.get('for') ?? ''), proto: named.get('proto')?.toLowerCase() ?? null }
}

function textOf(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(',') : (header ?? '')
}

/** Without a port, brackets, or the prefix of an IPv4 address in IPv6. */
function plain(address: string): string {
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address
  return bare.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
