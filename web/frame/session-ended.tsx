import { lazy, Suspense, useEffect, useState } from 'react'
import { onSessionEnd } from '../client.ts'

const SignInAgain = lazy(() => import('./sign-in-again.tsx').then(file => ({ default: file.SignInAgain })))

/** Listens for the end of the session, wherever it shows. */
export const SessionEnded = () => {
  const [ended, setEnded] = useState(false)
  useEffect(() => onSessionEnd(() => setEnded(true)), [])
  return (
    ended && (
      <Suspense fallback={null}>
        <SignInAgain onClose={() => setEnded(false)} />
      </Suspense>
    )
  )
}
