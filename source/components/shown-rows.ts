import {createContext, useContext, useEffect} from 'react';

/** Told how many rows of the list there is room for: a page is what one sees. */
export const ShownRows = createContext<(rows: number) => void>(() => {});

/** Tells it. */
export function useShownRows(rows: number): void {
	const note = useContext(ShownRows);
	useEffect(() => note(rows), [note, rows]);
}
