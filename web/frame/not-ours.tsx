import type { Me } from '../../sdk/index.ts'
import classes from './not-ours.module.css'

/** Over every page while the database is another deployment's: why no call works, and what to do. */
export const NotOurs = ({ me }: { readonly me: Me }) =>
  me.belongs_to === null ? null : (
    <div role="alert" className={classes.bar}>
      <strong>This is a copy of the Patchbay at {me.belongs_to === 'loopback' ? 'a local address' : me.belongs_to}.</strong> It makes no
      calls and renews nothing, because that would end the authorisations of the original.{' '}
      {me.role === 'administrator' && (
        <>
          If Patchbay has moved here, run <code>patchbay adopt</code> on the server.
        </>
      )}
    </div>
  )
