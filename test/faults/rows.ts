/** The rows of the table, in the order in which they run. */
import type { Row } from './row.ts'
import { clock } from './rows/clock.ts'
import { leader } from './rows/cluster.ts'
import { kill, rolling, stop, storm } from './rows/coordinators.ts'
import { crashPointsRow } from './rows/crash-points.ts'
import { doorKafka, doorKill, doorPostgres, doorStop } from './rows/door.ts'
import { errandCuts, errandKill, errandOutages, errandRolling, errandWorkers } from './rows/errands.ts'
import { everything } from './rows/everything.ts'
import { filmKill, filmOutages, filmRolling } from './rows/film.ts'
import { kafkaKill, offsetsReset, partitionsAdded, recreated } from './rows/kafka.ts'
import { cutCommit, oneWay, slow } from './rows/network.ts'
import { connections, diskFull, postgresKill, readOnly } from './rows/postgres.ts'
import { bad, copies } from './rows/records.ts'
import { workers } from './rows/workers.ts'

export const rows: readonly Row[] = [
  kill,
  crashPointsRow,
  workers,
  stop,
  storm,
  rolling,
  cutCommit,
  slow,
  oneWay,
  postgresKill,
  readOnly,
  connections,
  diskFull,
  kafkaKill,
  bad,
  copies,
  offsetsReset,
  partitionsAdded,
  recreated,
  clock,
  doorKill,
  doorStop,
  doorKafka,
  doorPostgres,
  errandKill,
  errandRolling,
  errandWorkers,
  errandOutages,
  errandCuts,
  filmKill,
  filmRolling,
  filmOutages,
  everything,
  leader,
]
