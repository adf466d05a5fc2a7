import {Box, Text, useAnimation} from 'ink';
import {clean} from '../auth/facts.ts';
import {needyCount} from '../ui/rows.ts';
import {type ScreenId, screenIds, type UiState} from '../ui/state.ts';
import {tones} from './theme.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const titles: Record<(typeof screenIds)[number], string> = {
	agents: 'Agents',
	profiles: 'Profiles',
	order: 'Order',
	health: 'Health',
	login: 'Login',
	sessions: 'Sessions',
	import: 'Import',
	log: 'Log',
	broker: 'Broker',
};

/** What the right end of the line is left at least: the number of those that need a person, or that work is under way. */
const leastStatus = 5;

/** The names of the screens, and what is under way or needs a person. */
export function Header({state}: {readonly state: UiState}) {
	const screen = state.screen === 'help' ? state.previous : state.screen;
	// Doctor has no tab: it is reached from health, and left to it.
	const active = screen === 'doctor' ? 'health' : screen;
	const {columns} = state.size;
	const needy = needyCount(state);
	const musts = [
		...(state.secretsDegraded ? ['secrets degraded'] : []),
		...(state.autoRefresh ? [] : ['auto-refresh off']),
	];
	const mustWidth = [...musts, ''].join(' · ').length + (needy > 0 ? `✗ ${needy} `.length : 1);
	const {name, tabs, left} = titleLine(columns - Math.max(leastStatus, mustWidth), active);
	const hasRoom = state.sandbox && left >= 'sandbox · '.length;
	const task = [...state.tasks.values()].at(-1);
	// Work that is done in passing does not hide that somebody is needed.
	const hasRoomForBoth = left < 10 && left + Math.max(leastStatus, mustWidth) >= `⠋ ✗ ${needy} `.length;
	return (
		<Box height={1} flexShrink={0} justifyContent="space-between">
			<Box flexShrink={0}>
				<Text bold>{name}</Text>
				{tabs.map(tab => (
					<Text key={tab.id} bold={tab.id === active} inverse={tab.id === active}>
						{tab.label}
					</Text>
				))}
			</Box>
			{task === undefined ? (
				<Status words={[...(hasRoom ? ['sandbox'] : []), ...musts]} needy={needy} />
			) : (
				<Working label={left < 10 ? '' : clean(task)} needy={hasRoomForBoth ? needy : 0} />
			)}
		</Box>
	);
}

interface Tab {
	readonly id: ScreenId;
	readonly label: string;
}

/**
 * The program's name and the tabs in so many columns. Where there is less room the name goes first, then the room
 * between the tabs, then the names of tabs from the last one on; the active one keeps its.
 */
function titleLine(
	columns: number,
	active: ScreenId,
): {readonly name: string; readonly tabs: readonly Tab[]; readonly left: number} {
	const inTurn = screenIds.filter(id => id !== active).reverse();
	const ways = [
		{name: ' JARVIS ', gap: ' ', unnamed: 0},
		{name: '', gap: ' ', unnamed: 0},
		...inTurn.map((_, unnamed) => ({name: '', gap: '', unnamed})),
		{name: '', gap: '', unnamed: inTurn.length},
	];
	const made = ways.map(({name, gap, unnamed}) => {
		const nameless = new Set<ScreenId>(inTurn.slice(0, unnamed));
		const tabs = screenIds.map((id, index) => {
			const title = nameless.has(id) ? '' : ` ${titles[id]}${gap}`;
			return {id, label: `${id === active ? '▸' : ' '}${index + 1}${title}`};
		});
		return {name, tabs, left: tabs.reduce((rest, {label}) => rest - label.length, columns - name.length)};
	});
	return made.find(way => way.left >= 0) ?? {name: '', tabs: [], left: columns};
}

function Status({words, needy}: {readonly words: readonly string[]; readonly needy: number}) {
	return (
		<Text wrap="truncate">
			{words.join(' · ')}
			{words.length > 0 && needy > 0 ? ' · ' : ''}
			{needy > 0 ? <Text {...tones.bad} bold>{`✗ ${needy}`}</Text> : null}{' '}
		</Text>
	);
}

function Working({label, needy}: {readonly label: string; readonly needy: number}) {
	const {frame} = useAnimation({interval: 120});
	return (
		<Text wrap="truncate">
			{`${frames[frame % frames.length]} ${label}`}
			{needy > 0 ? <Text {...tones.bad} bold>{`✗ ${needy}`}</Text> : null}{' '}
		</Text>
	);
}
