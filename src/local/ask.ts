/**
 * Whether a server truly answers, asked in its own protocol over a bare socket: a listening port is not yet a server,
 * and this room needs no client library for one question.
 */
import { connect } from 'node:net'

/** A server that listens and does not answer this long is asked anew. */
const answerWithinMs = 1000

/** True when Kafka names at least one broker that clients may use. */
export async function kafkaAnswers(port: number): Promise<boolean> {
  const answer = await ask(port, metadataRequest(), metadataHeadBytes)
  return answer !== null && answer.readInt32BE(metadataHeadBytes - 4) > 0
}

/** True when Postgres asks for the password: before it is ready, it answers with an error instead. */
export async function postgresAnswers(port: number): Promise<boolean> {
  const answer = await ask(port, startupMessage(), 1)
  return answer?.toString('latin1', 0, 1) === 'R'
}

/** The beginning of the answer, `bytes` long at least; null when there is none. */
function ask(port: number, question: Buffer, bytes: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    let answer: Buffer = Buffer.alloc(0)
    const socket = connect({ port, host: '127.0.0.1', timeout: answerWithinMs }, () => void socket.write(question))
    const end = (result: Buffer | null) => {
      resolve(result)
      socket.destroy()
    }
    socket.on('error', () => end(null))
    socket.on('timeout', () => end(null))
    socket.on('close', () => end(null))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= bytes) end(answer)
    })
  })
}

/** Size, correlation id, throttle time, and the number of brokers (https://kafka.apache.org/protocol, Metadata v4). */
const metadataHeadBytes = 16

/** Metadata v4, no client id, no topics. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(19)
  request.writeInt32BE(request.length - 4, 0)
  request.writeInt16BE(3, 4)
  request.writeInt16BE(4, 6)
  request.writeInt16BE(-1, 12)
  return request
}

/** Protocol 3.0 and a user, nothing more (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
function startupMessage(): Buffer {
  const parameters = Buffer.from('user\0postgres\0\0', 'latin1')
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + parameters.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, parameters])
}
