import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { storageWithin } from '../core/within.ts'
import { findCredential, setStatus } from '../storage/credentials.ts'
import { connectUrlOf, type Broker } from './broker.ts'
import { noteChange } from './change.ts'
import { credentialPlace } from './places.ts'
import { endOf } from './renewal-window.ts'
import { statusProblem, type Opened, type Usable } from './usable.ts'

/** What is sealed: the credential and every variable, of which some are secret. */
export const sealedText = (opened: Opened): Secret => new Secret(JSON.stringify(opened))

/** @throws Problem integrity_error, and the connection is to be authorised again. */
export async function openCredential(broker: Broker, usable: Usable): Promise<Opened> {
  if (usable.opened) return usable.opened
  const place = credentialPlace(usable, usable.generation, usable.serviceRevision)
  try {
    const secret = broker.vault.openSync(place, usable.sealed) ?? (await storageWithin(broker.vault.open(place, usable.sealed)))
    return (usable.opened = JSON.parse(secret.expose()) as Opened)
  } catch (error) {
    if (error instanceof Problem && error.code === 'integrity_error') {
      await setStatus(broker.db, usable, usable.generation, 'reauthorization_required', 'integrity')
      broker.log.error(
        { connection: usable.connectionId, organization: usable.organizationId },
        'a stored credential failed its integrity check',
      )
      await noteChange(broker, usable, 'connection.integrity_error')
    }
    throw error
  }
}

export const reauthorize = (broker: Broker, usable: Usable, reason: string): Problem =>
  new Problem('reauthorization_required', {
    connection: usable.linkName,
    connect_url: connectUrlOf(broker, usable.organizationSlug, usable.linkName, usable.subjectId),
    reason,
  })

/** Takes what the database holds now, if it is newer than what we have. @throws Problem when it can no longer be used. */
export async function reread(broker: Broker, usable: Usable) {
  const row = await findCredential(broker.db, usable)
  const refused = statusProblem(
    broker,
    usable.organizationSlug,
    { link_name: usable.linkName, status: row?.status ?? null, status_reason: row?.status_reason ?? null },
    usable.subjectId,
  )
  if (refused || !row || row.sealed === null) throw refused ?? reauthorize(broker, usable, 'never_authorized')
  if (row.generation !== usable.generation) {
    const left = row.expires_in === null ? null : Number(row.expires_in)
    const { generation } = row
    Object.assign(usable, {
      generation,
      sealed: row.sealed,
      opened: null,
      hasRefreshToken: row.has_refresh_token,
      ...endOf(broker, { ...usable, generation }, left, row.lifetime_seconds),
    })
    await openCredential(broker, usable)
  }
  return row
}
