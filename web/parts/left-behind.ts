import { PatchbayProblem, type Connection } from '../../sdk/index.ts'
import { patchbay } from '../client.ts'
import { serverNow } from '../clock.ts'

const createdWithinMs = 60_000

/** The connection, when a refusal or a lost answer to its creation left one behind that waits to be connected. */
export async function leftBehind(linkName: string, service: string, error: unknown): Promise<Connection | null> {
  if (error instanceof PatchbayProblem && (error.status === 422 || error.status === 403 || error.status === 401)) return null
  try {
    const found = await patchbay.connections.get(linkName)
    const fresh = serverNow() - Date.parse(found.created_at) < createdWithinMs
    return fresh && found.view === 'own' && found.service.link_name === service && found.status === 'authorization_required' ? found : null
  } catch {
    return null
  }
}
