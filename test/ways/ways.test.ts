/** Every way to Kafka and Postgres that is encrypted, on real servers, which are started once for all of them. */
import './kafka-refusals.ts'
import './postgres.ts'
import './engines.ts'
