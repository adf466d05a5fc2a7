import {Box, Text, useAnimation} from 'ink';
import {clean} from '../auth/facts.ts';
import {needyCount} from '../ui/rows.ts';
import {screenIds, type UiState} from '../ui/state.ts';
import {tones} from './theme.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const titles: Record<(typeof screenIds)[number], string> = {
	agents: 'Agents',
	profiles: 'Profiles',
	order: 'Order',
	health: 'Health',
	login: 'Login',
	sessions: 'Sessions',
};

/** The names of the screens, and what is under way or needs a person. */
export function Header({state}: {readonly state: UiState}) {
	const active = state.screen === 'help' ? state.previous : state.screen;
	const isNarrow = state.size.columns < 90;
	return (
		<Box height={1} flexShrink={0} justifyContent="space-between">
			<Box flexShrink={0}>
				<Text bold>{state.size.columns < 80 ? '' : ' JARVIS '}</Text>
				{screenIds.map((id, index) => (
					<Text key={id} bold={id === active} inverse={id === active}>
						{`${id === active ? '▸' : ' '}${index + 1} ${titles[id]}${isNarrow ? '' : ' '}`}
					</Text>
				))}
			</Box>
			<Status state={state} />
		</Box>
	);
}

function Status({state}: {readonly state: UiState}) {
	const task = [...state.tasks.values()].at(-1);
	const needy = needyCount(state);
	if (task !== undefined) return <Working label={state.size.columns < 100 ? '' : clean(task)} />;
	const words = [
		...(state.sandbox && state.size.columns >= 75 ? ['sandbox'] : []),
		...(state.autoRefresh || state.size.columns < 100 ? [] : ['auto-refresh off']),
	];
	// Beside six names there are four columns left of sixty.
	const isTight = state.size.columns < 64;
	return (
		<Text wrap="truncate">
			{words.join(' · ')}
			{words.length > 0 && needy > 0 ? ' · ' : ''}
			{needy > 0 ? <Text {...tones.bad} bold>{`✗${isTight && needy > 9 ? '' : ' '}${needy}`}</Text> : null}
			{isTight ? '' : ' '}
		</Text>
	);
}

function Working({label}: {readonly label: string}) {
	const {frame} = useAnimation({interval: 120});
	return <Text wrap="truncate">{`${frames[frame % frames.length]} ${label} `}</Text>;
}
