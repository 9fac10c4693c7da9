import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState, type ChangeEvent } from 'react'

const waitMs = 200

/** A search box whose text is kept elsewhere, such as in the URL: what is typed shows at once, and is passed on when the typing pauses. */
export const useSearchBox = (kept: string, onSearch: (text: string) => void) => {
  const [typed, setTyped] = useState(kept)
  const passed = useRef(kept)
  const pass = useDebouncedCallback((text: string) => {
    passed.current = text
    onSearch(text)
  }, waitMs)
  // back and forward change what is kept; what comes back from here is shorter by what was typed meanwhile
  useEffect(() => {
    if (kept === passed.current) return
    passed.current = kept
    setTyped(kept)
  }, [kept])
  return {
    value: typed,
    maxLength: 200,
    onChange: (event: ChangeEvent<HTMLInputElement>) => {
      setTyped(event.currentTarget.value)
      pass(event.currentTarget.value.trim())
    },
  }
}
