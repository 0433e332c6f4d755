import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;

/** Answers each line, {"pattern": …, "event": …}, by true, false, refused or failed. */
public final class EventRuler {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        BufferedReader questions =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        String line;
        while ((line = questions.readLine()) != null) {
            answers.println(answered(JSON.readTree(line)));
        }
    }

    private static String answered(JsonNode question) {
        try {
            return answer(question);
        } catch (Exception failure) {
            return "failed: " + failure;
        }
    }

    private static String answer(JsonNode question) throws Exception {
        String pattern = question.get("pattern").toString();
        Machine machine = Machine.builder().build();
        if (JsonRuleCompiler.check(pattern) != null) {
            return "refused";
        }
        machine.addRule("rule", pattern);
        return String.valueOf(!machine.rulesForJSONEvent(question.get("event").toString()).isEmpty());
    }
}
