import {Text} from 'ink';
import stringWidth from 'string-width';
import {shownAgent} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';

const others = '   ← → other agents';

/** The agent that a screen is about, behind its words, and that there are others to turn to. */
export function AgentTitle({state, words}: {readonly state: UiState; readonly words: string}) {
	const id = shownAgent(state)?.id ?? '–';
	const room = state.size.columns - stringWidth(words + id) - 2;
	// Whole, or not at all: the footer and the help tell of the keys too.
	const fits = state.snapshot.agents.length > 1 && room >= others.length;
	return (
		<Text wrap="truncate">
			{words}
			<Text bold>{id}</Text>
			<Text dimColor>{fits ? others : ''}</Text>
		</Text>
	);
}
