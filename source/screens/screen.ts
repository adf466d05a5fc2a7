import type {UiState} from '../ui/state.ts';

/** What every screen is drawn from. */
export interface ScreenProps {
	readonly state: UiState;
	/** The lines that it may take. */
	readonly height: number;
}
