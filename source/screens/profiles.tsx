import {Box} from 'ink';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {AgentTitle} from '../components/agent-title.tsx';
import {Notes, noteLines} from '../components/notes.tsx';
import {Problem} from '../components/problem.tsx';
import {detailsHeight, ProfileDetails} from '../components/profile-details.tsx';
import {type Column, layColumns, Table} from '../components/table.tsx';
import {brokenRows, cursorOf, type ProfileRow, profileRows, selected, shownAgent} from '../ui/rows.ts';
import {ago, stateWord, timeLeft} from '../words.ts';
import type {ScreenProps} from './screen.ts';

const kindWords = {oauth: 'OAuth', token: 'token', api_key: 'API key'} as const;

const columns = (now: number, agentId: string | undefined): readonly Column<ProfileRow>[] => [
	{
		title: 'PROFILE',
		width: 22,
		flexible: true,
		dropFirst: 0,
		cell: ({facts}) => ({
			text: facts.profileId,
			...endOf(facts, agentId),
		}),
	},
	{title: 'PROVIDER', width: 12, dropFirst: 4, cell: ({facts}) => ({text: facts.provider})},
	{title: 'KIND', width: 7, dropFirst: 3, cell: ({facts}) => ({text: kindWords[facts.kind]})},
	{
		title: 'ACCOUNT',
		width: 16,
		dropFirst: 2,
		cell: ({facts}) => ({text: facts.email ?? facts.accountId ?? '–'}),
	},
	{
		title: 'STATE',
		width: 18,
		dropFirst: 0,
		cell({health}) {
			const {glyph, word, tone} = stateWord(health, now);
			return {text: `${glyph} ${word}`, tone};
		},
	},
	{title: 'LEFT', width: 7, align: 'right', dropFirst: 0, cell: ({health}) => ({text: timeLeft(health)})},
	{
		title: 'LAST USED',
		width: 10,
		align: 'right',
		dropFirst: 1,
		cell: ({facts}) => ({text: ago(facts.usage.lastUsed, now), tone: 'quiet'}),
	},
];

// Whose it is, where that is not this agent, and where it is kept, where that is not here.
function endOf({agentId: owner, link}: ProfileRow['facts'], agentId: string | undefined) {
	const from = [...(owner === agentId ? [] : [owner]), ...(link ? [clean(link.program)] : [])];
	return from.length === 0 ? {} : {end: from.map(name => ` ← ${name}`).join('')};
}

/** The profiles of one agent, and the details of the one under the cursor. */
export default function ProfilesScreen({state, height}: ScreenProps) {
	const agent = shownAgent(state);
	const rows = profileRows(state);
	const row = selected(state, 'profiles', rows);
	const broken = agent ? brokenRows([agent]) : [];
	const laid = columns(state.now, agent?.id);
	const isCut = row !== undefined && stringWidth(clean(row.id)) > idWidth(laid, state.size.columns);
	const pane = state.details && row ? Math.min(detailsHeight(state, row, isCut), height - 5) : 0;
	const wrong = broken.map(
		({profileId, problem}) => `✗ ${profileId} ${problem}: kept in the file, left out of use`,
	);
	const notes = agent?.problem ? [] : noteLines(wrong, 2, '4 d shows them');
	return (
		<Box flexDirection="column" height={height}>
			<AgentTitle state={state} words="  Profiles of " />
			{agent?.problem ? (
				<Problem
					problem={agent.problem}
					stateDir={state.stateDir}
					width={state.size.columns}
					height={height - 1}
				/>
			) : (
				<Table
					columns={laid}
					rows={rows}
					cursor={cursorOf(state, 'profiles', rows)}
					width={state.size.columns}
					height={height - 1 - pane - notes.length}
					empty={
						state.filter.text === ''
							? 'No profiles. Press l to log an account in.'
							: 'Nothing holds that. Esc shows all.'
					}
				/>
			)}
			<Notes lines={notes} tone="bad" />
			{pane > 0 && row && <ProfileDetails state={state} row={row} withId={isCut} height={pane} />}
		</Box>
	);
}

function idWidth(list: readonly Column<ProfileRow>[], width: number): number {
	return layColumns(list, width)[0]?.width ?? 0;
}
