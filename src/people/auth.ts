import { kyselyAdapter } from '@better-auth/kysely-adapter'
import { betterAuth, type BetterAuthOptions } from 'better-auth'
import { organization } from 'better-auth/plugins'
import { createAccessControl } from 'better-auth/plugins/access'
import { adminAc, defaultStatements, memberAc } from 'better-auth/plugins/organization/access'
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { PeopleTables } from '../core/people-tables.ts'
import { withHashedSessions } from './hashed-sessions.ts'

export const passwordLength = { minimum: 10, maximum: 200 } as const

/** A session ends twelve hours after signing in, and sooner when nobody used it. */
export const sessionSeconds = { absolute: 12 * 3600, idle: 30 * 60 } as const

/** The one header through which `signIn` tells better-auth where a person signs in from. We make it ourselves; nothing from the network is read. */
export const addressHeader = 'x-patchbay-address'

export interface AuthSettings {
  readonly db: Kysely<PeopleTables>
  /** The public URL: its scheme decides the cookie's name. */
  readonly baseUrl: string
  /** Signs the cookie. At least 32 characters. */
  readonly secret: string
  /** By default: whether the public URL is https. */
  readonly secureCookies?: boolean
}

const access = createAccessControl(defaultStatements)

const roles = {
  administrator: access.newRole(adminAc.statements),
  developer: access.newRole(memberAc.statements),
  user: access.newRole(memberAc.statements),
}

const times = { createdAt: 'created_at', updatedAt: 'updated_at' } as const

/** Everything that shapes better-auth's tables: our names for them, and no table for what we do ourselves (limits, API keys). */
export const schemaOptions = {
  emailAndPassword: { enabled: true, minPasswordLength: passwordLength.minimum, maxPasswordLength: passwordLength.maximum },
  user: { modelName: 'users', fields: { emailVerified: 'email_verified', ...times } },
  session: {
    modelName: 'sessions',
    fields: { expiresAt: 'expires_at', userId: 'user_id', ipAddress: 'ip_address', userAgent: 'user_agent', ...times },
    expiresIn: sessionSeconds.absolute,
    disableSessionRefresh: true,
  },
  account: {
    modelName: 'accounts',
    fields: {
      accountId: 'account_id',
      providerId: 'provider_id',
      userId: 'user_id',
      accessToken: 'access_token',
      refreshToken: 'refresh_token',
      idToken: 'id_token',
      accessTokenExpiresAt: 'access_token_expires_at',
      refreshTokenExpiresAt: 'refresh_token_expires_at',
      ...times,
    },
  },
  verification: { modelName: 'verifications', fields: { expiresAt: 'expires_at', ...times } },
  advanced: {
    // Without joins it asks for a person's accounts in a statement of their own, and prints what goes wrong there, logger or none.
    database: { generateId: () => randomUUID(), joins: true },
    ipAddress: { ipAddressHeaders: [addressHeader] },
  },
  plugins: [
    organization({
      ac: access,
      roles,
      creatorRole: 'administrator',
      schema: {
        session: { fields: { activeOrganizationId: 'active_organization_id' } },
        organization: { modelName: 'organizations', fields: { createdAt: 'created_at' } },
        member: { modelName: 'members', fields: { organizationId: 'organization_id', userId: 'user_id', createdAt: 'created_at' } },
        invitation: {
          modelName: 'invitations',
          fields: { organizationId: 'organization_id', expiresAt: 'expires_at', createdAt: 'created_at', inviterId: 'inviter_id' },
          additionalFields: { tokenHash: { type: 'string', required: true, unique: true, returned: false, fieldName: 'token_hash' } },
        },
      },
    }),
  ],
  telemetry: { enabled: false },
  // Its limiter puts everybody into one bucket and believes X-Forwarded-For; the doors have one of ours.
  rateLimit: { enabled: false },
  // It logs raw errors to the console. What goes wrong is thrown, and logged by the log that redacts.
  logger: { disabled: true },
} satisfies BetterAuthOptions

/** What a cookie of ours is called and how it is set. `__Host-` (RFC 6265bis §4.1.3.2) keeps a sibling domain from planting one; it needs https. */
export interface CookieRule {
  readonly name: string
  readonly secure: boolean
}

/**
 * better-auth, configured: it hashes passwords, checks them and makes sessions. Sign-up stays on because its switch would also stop
 * the server's own; therefore its routes must not be mounted whole. The doors mount none of them and call `signIn` and `signOut`.
 * It works on its own handle: never call it inside a transaction, the embedded database would wait for itself.
 */
export function createAuth(settings: AuthSettings) {
  const secure = settings.secureCookies ?? settings.baseUrl.startsWith('https:')
  const cookie: CookieRule = { name: secure ? '__Host-patchbay_session' : 'patchbay_session', secure }
  const inner = kyselyAdapter(settings.db, { type: 'postgres', transaction: false })
  const better = betterAuth({
    ...schemaOptions,
    baseURL: settings.baseUrl,
    secret: settings.secret,
    database: (options: BetterAuthOptions) => withHashedSessions(inner(options)),
    advanced: {
      ...schemaOptions.advanced,
      useSecureCookies: false, // would add a prefix of its own
      cookies: { session_token: { name: cookie.name, attributes: { secure, httpOnly: true, sameSite: 'lax', path: '/' } } },
    },
    databaseHooks: {
      session: {
        create: {
          // A session acts in one organisation: at first the one its person has been in for longest.
          before: async session => {
            if (session.activeOrganizationId) return
            const first = await settings.db
              .selectFrom('members')
              .select('organization_id')
              .where('user_id', '=', session.userId)
              .orderBy('created_at')
              .orderBy('id')
              .limit(1)
              .executeTakeFirst()
            return { data: { ...session, activeOrganizationId: first?.organization_id ?? null } }
          },
        },
      },
    },
  })
  return { better, cookie, secret: settings.secret }
}

export type Auth = ReturnType<typeof createAuth>
