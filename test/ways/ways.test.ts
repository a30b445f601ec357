/** Every way to Kafka and Postgres that is encrypted, on real servers, which are started once for all of them. */
import './kafka-refusals.ts'
import './kafka-rotation.ts'
import './postgres.ts'
import './run.ts'
import './door.ts'
import './engines.ts'
