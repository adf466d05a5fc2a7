import {Box} from 'ink';
import {ImportHint, importHintHeight} from '../components/import-hint.tsx';
import {type Column, Table} from '../components/table.tsx';
import {type AgentRow, agentRows, cursorOf} from '../ui/rows.ts';
import {stateWord} from '../words.ts';
import type {ScreenProps} from './screen.ts';

const columns = (now: number): readonly Column<AgentRow>[] => [
	{
		title: 'AGENT',
		width: 14,
		flexible: true,
		dropFirst: 0,
		cell: ({agent}) => ({text: agent.name ?? agent.id}),
	},
	{title: 'DEFAULT', width: 7, dropFirst: 0, cell: ({agent}) => ({text: agent.isDefault ? '★' : ''})},
	{
		title: 'PROFILES',
		width: 8,
		align: 'right',
		dropFirst: 0,
		cell: ({agent}) => ({text: agent.problem ? '?' : String(agent.profiles.length)}),
	},
	{title: 'WORST STATE', width: 22, dropFirst: 0, cell: row => worstCell(row, now)},
	{
		title: 'WORKSPACE',
		width: 18,
		flexible: true,
		dropFirst: 1,
		cell: ({agent}) => ({text: agent.workspace ?? '–', tone: 'quiet'}),
	},
];

/** The agents, and the worst state among each one's profiles. */
export default function AgentsScreen({state, height}: ScreenProps) {
	const rows = agentRows(state);
	return (
		<Box flexDirection="column" height={height}>
			<Table
				columns={columns(state.now)}
				rows={rows}
				cursor={cursorOf(state, 'agents', rows)}
				width={state.size.columns}
				height={height - importHintHeight(state)}
				empty="No agent has that in its name. Esc shows all."
			/>
			<ImportHint state={state} />
		</Box>
	);
}

function worstCell({agent, worst, needy}: AgentRow, now: number) {
	if (agent.problem) return {text: '✗ file unreadable', tone: 'bad'} as const;
	if (needy > 0) return {text: needy === 1 ? '✗ 1 needs you' : `✗ ${needy} need you`, tone: 'bad'} as const;
	if (!worst) return {text: 'no credentials', tone: 'quiet'} as const;
	const {glyph, word, tone} = stateWord(worst, now);
	return {text: `${glyph} ${word}`, tone};
}
