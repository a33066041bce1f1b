<?php
// Three pages.
switch (strtok($_SERVER['REQUEST_URI'], '?')) {
    case '/slow':
        echo "begun\n";
        flush();
        // A signal cuts sleep() short, and work is what is meant here.
        for ($end = microtime(true) + 2; microtime(true) < $end;) {
            usleep(10000);
        }
        echo "done\n";
        break;
    case '/secret':
        if (($_SERVER['HTTP_AUTHORIZATION'] ?? '') === 'Bearer ' . getenv('API_TOKEN')) {
            echo "welcome\n";
        } else {
            http_response_code(401);
            echo "who are you?\n";
        }
        break;
    default:
        echo 'hello from ', PHP_SAPI === 'fpm-fcgi' ? 'php-fpm' : 'php', "\n";
}
