/**
 * Protobuf by a registry's schema. Names are those of the file; 64-bit integers stay exact, enums are their names, bytes `{ base64 }`; a
 * field that is not there has its type's zero, but for what says itself whether it is there (`optional`, `oneof`, messages).
 */
import protobuf from 'protobufjs'
import { messageOf } from '../base/error.ts'
import { plain } from '../envelope/formats/plain.ts'
import { reading, unwritable } from '../envelope/formats/text.ts'
import type { Json } from '../envelope/json.ts'
import { invalid } from './invalid.ts'
import { fromMessage } from './protobuf-read.ts'
import { toMessage } from './protobuf-write.ts'
import { typed, untype } from './wire.ts'

type Type = protobuf.Type

export function compileProtobuf(text: string, references: readonly { readonly name: string; readonly text: string }[]) {
  const { types, typeAt } = typesOf(text, references)
  return {
    decode(bytes: Buffer): Json {
      const { path, payload } = untype(bytes)
      const type = typeAt(path)
      return plain(reading('Protobuf', () => fromMessage(type, type.decode(payload))))
    },
    encode(value: Json, message: string | null): Buffer {
      const found = message === null ? types[0] : types.find(({ type }) => isCalled(type, message))
      if (found === undefined) throw unwritable('Protobuf', `message ${message ?? ''}, which its schema does not have`)
      const { type, path } = found
      const given = toMessage(type, value, '')
      return typed(path, Buffer.from(type.encode(type.create(given)).finish()))
    },
  }
}

/** By its full name, or by that within its package. */
function isCalled(type: Type, name: string): boolean {
  const full = type.fullName.slice(1)
  return full === name || full.endsWith(`.${name}`)
}

interface Placed {
  readonly type: Type
  readonly path: readonly number[]
}

function typesOf(text: string, references: readonly { readonly name: string; readonly text: string }[]) {
  try {
    const root = new protobuf.Root()
    const options = { keepCase: true } as const
    for (const each of references) addKnown(root, protobuf.parse(each.text, root, options).imports)
    const { imports } = protobuf.parse(text, root, options)
    addKnown(root, imports)
    root.resolveAll()
    // Alone, for the order in which the file has its types.
    const own = protobuf.parse(text, new protobuf.Root(), options)
    const home = own.package === undefined ? own.root : own.root.lookup(own.package)
    const types = placed(home as protobuf.NamespaceBase, [], root)
    return { types, typeAt: (path: readonly number[]) => typeAt(types, path) }
  } catch (cause) {
    throw invalid('Protobuf schema', messageOf(cause), cause)
  }
}

/** Google's own types, which nobody registers. */
function addKnown(root: protobuf.Root, imports: readonly string[] | undefined): void {
  for (const name of imports ?? []) {
    const known = protobuf.common.get(name)
    if (known?.nested) root.addJSON(known.nested)
  }
}

function placed(home: protobuf.NamespaceBase, above: readonly number[], root: protobuf.Root): Placed[] {
  const own = home.nestedArray.filter((each): each is Type => each instanceof protobuf.Type)
  return own.flatMap((type, at) => {
    const path = [...above, at]
    return [{ type: root.lookupType(type.fullName), path }, ...placed(type, path, root)]
  })
}

function typeAt(types: readonly Placed[], path: readonly number[]): Type {
  const wanted = path.join('.')
  const found = types.find((each) => each.path.join('.') === wanted)
  if (found) return found.type
  throw invalid('Protobuf schema', `the value is of its message type ${wanted}, which it does not have`)
}
