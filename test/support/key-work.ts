import { randomUUID } from 'node:crypto'
import { createCalls } from '../../src/broker/calls.ts'
import type { Broker, Caller } from '../../src/broker/broker.ts'
import { replaceDataKeys, resealAll } from '../../src/broker/data-key-rotation.ts'
import { rewrapKeys } from '../../src/broker/keys.ts'
import { dataKeyStore } from '../../src/storage/data-keys.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createKeyring } from '../../src/vault/keyring.ts'
import { parseMasterKey } from '../../src/vault/master-key.ts'

/*
 * A process of its own that wraps every data key again by the first of the master keys it is given, and then seals everything again by new
 * data keys: `key-work.ts <database url> <moment> <master key> …`. It says what it begins with, so that it can be killed in the middle.
 */
const [, , url = '', moment = '', ...masterKeys] = process.argv
const open = await openDatabase({ url, dataDir: '/nonexistent' })
const broker = {
  db: open.db,
  vault: createKeyring({ masterKeys: masterKeys.map(text => parseMasterKey(text)), store: dataKeyStore(open.db) }),
  log: createLog('silent'),
  calls: createCalls(),
  monotonic: () => performance.now(),
  id: () => randomUUID(),
} as unknown as Broker
const by = {
  principal: { organizationId: 'o0', userId: 'u', userName: 'U', subjectId: 'u' },
  requestId: 'r',
  ip: null,
} as unknown as Caller

process.stdout.write('wrapping\n')
const report = await rewrapKeys(broker, by)
process.stdout.write(`sealing ${JSON.stringify(report)}\n`)
await replaceDataKeys(broker, new Date(moment))
while ((await resealAll(broker)).resealed > 0);
process.stdout.write('done\n')
await open.close()
