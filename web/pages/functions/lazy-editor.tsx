import { Skeleton } from '@mantine/core'
import { lazy, Suspense, type ComponentProps } from 'react'
import type { CodeEditor as Editor } from './editor/code-editor.tsx'
import type { DiffView as Diff } from './editor/diff-view.tsx'

/* The editor is large: it is fetched when a page shows one. */
const CodeEditor = lazy(() => import('./editor/code-editor.tsx').then(file => ({ default: file.CodeEditor })))
const DiffView = lazy(() => import('./editor/diff-view.tsx').then(file => ({ default: file.DiffView })))

export type { EditorHandle } from './editor/code-editor.tsx'
export type { Finding } from './editor/findings.ts'

const Loading = ({ height }: { readonly height: number }) => (
  <div role="status" aria-label="Loading">
    <Skeleton height={height} radius="sm" />
  </div>
)

export const LazyEditor = (props: ComponentProps<typeof Editor>) => (
  <Suspense fallback={<Loading height={420} />}>
    <CodeEditor {...props} />
  </Suspense>
)

export const LazyDiff = (props: ComponentProps<typeof Diff>) => (
  <Suspense fallback={<Loading height={320} />}>
    <DiffView {...props} />
  </Suspense>
)
