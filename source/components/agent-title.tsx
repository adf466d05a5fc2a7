import {Text} from 'ink';
import {shownAgent} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';

/** The agent that a screen is about, behind its words, and that there are others to turn to. */
export function AgentTitle({state, words}: {readonly state: UiState; readonly words: string}) {
	return (
		<Text wrap="truncate">
			{words}
			<Text bold>{shownAgent(state)?.id ?? '–'}</Text>
			<Text dimColor>{state.snapshot.agents.length > 1 ? '   ← → other agents' : ''}</Text>
		</Text>
	);
}
