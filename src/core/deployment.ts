/**
 * To which deployment a database belongs. A copy of it that is started elsewhere holds the same refresh tokens: where the provider rotates
 * them, the first renewal of the copy would end those of the original.
 */
export interface DeploymentIdentity {
  /** Made with the database, and anew when it is adopted. */
  readonly id: string
  /** The origin of its public URL; every loopback address is one place, so that development on another port is the same deployment. */
  readonly place: string
}

export const loopbackPlace = 'loopback'

/** @param publicUrl An origin. */
export function placeOf(publicUrl: string): string {
  const { hostname, origin } = new URL(publicUrl)
  return /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(hostname) ? loopbackPlace : origin
}

/** For sentences. */
export const placeInWords = (place: string): string => (place === loopbackPlace ? 'a loopback address (localhost)' : place)
