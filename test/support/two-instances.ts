import { randomBytes } from 'node:crypto'
import { startOAuthStory, type OAuthStory } from './oauth-story.ts'
import { startPatchbay, type Answer, type Asker, type TestPatchbay } from './patchbay.ts'

/** Two instances on one PostgreSQL database. */
export interface TwoInstances {
  readonly first: TestPatchbay
  /** Its practice service is the first one's. */
  readonly second: TestPatchbay
  /** Told to the first one. */
  readonly story: OAuthStory
  /** What `story.invoke` does on the first one. */
  elsewhere(linkName: string, key?: Asker): Promise<Answer>
}

/** The caller stops the second one before the first. @param settings of both. @param settingsOfSecond instead of those. */
export async function startTwoInstances(
  databaseUrl: string,
  settings: Record<string, string> = {},
  settingsOfSecond: Record<string, string> = {},
): Promise<TwoInstances> {
  const both = { PATCHBAY_MASTER_KEY: randomBytes(32).toString('base64'), ...settings }
  const first = await startPatchbay({ database: 'postgres', databaseUrl, settings: both })
  const story = await startOAuthStory(first)
  const second = await startPatchbay({
    database: 'postgres',
    databaseUrl,
    settings: {
      ...both,
      PATCHBAY_PUBLIC_URL: first.base,
      PATCHBAY_PRACTICE: 'off',
      PATCHBAY_ALLOW_PRIVATE_ADDRESSES: `127.0.0.1/32:${new URL(story.practice).port}`,
      PATCHBAY_ALLOW_INSECURE_HTTP: story.host,
      ...settingsOfSecond,
    },
  })
  const elsewhere = (connection: string, key = second.admin) =>
    key('POST', '/api/v1/invoke', { connection, url: `${story.practice}/api/echo` })
  return { first, second, story, elsewhere }
}
