import {Box} from 'ink';
import {LoginPart} from '../components/login-part.tsx';
import type {ScreenProps} from './screen.ts';

/** A login: choice of provider, method and account, link, code or question, waiting, outcome. */
export default function LoginScreen({state, height}: ScreenProps) {
	return (
		<Box flexDirection="column" height={height} overflow="hidden">
			<LoginPart state={state} height={height} />
		</Box>
	);
}
